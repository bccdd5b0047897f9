import { FILLER_UNTOLD, needsFilling, needsTrainer } from '../dialects/deepspeed/auto';
import type { TrainerArguments } from '../dialects/trainer/read';
import type { Config } from '../source';
import { type Known, type Origin, unknown } from './known';
import type { Links } from './links';
import { consumerOf, type ProjectSettings } from './settings-file';
import type { Consumer } from './training-run';
import { textFrom } from './written';

/** Who reads the files, with the reason; where nothing tells, everyone that nothing rules out. */
export function findConsumer(
  links: Links,
  args: TrainerArguments,
  settings: ProjectSettings,
): { consumer: Known<Consumer>; consumers: readonly Consumer[] } {
  const told = fromFiles(links, args) ?? fromSettings(settings) ?? fromAutos(links);
  if (told) return { consumer: told, consumers: [told.value] };
  const { deepspeed, accelerate } = links.configs;
  if (accelerate) {
    const why = 'the Accelerate file starts a script that may or may not use the Trainer';
    return { consumer: unknown(why, at(accelerate)), consumers: ['accelerate', 'trainer'] };
  }
  if (links.launch?.launcher === 'accelerate') {
    const why = 'accelerate launch starts a script that may or may not use the Trainer';
    return { consumer: unknown(why, lineOf(links)), consumers: ['accelerate', 'trainer'] };
  }
  const why = 'no file, launch line or setting tells who reads this file';
  if (!deepspeed) return { consumer: unknown(why), consumers: ['trainer', 'accelerate', 'deepspeed'] };
  if (needsFilling(deepspeed)) {
    return { consumer: unknown(FILLER_UNTOLD, at(deepspeed)), consumers: ['trainer', 'accelerate'] };
  }
  return { consumer: unknown(why, at(deepspeed)), consumers: ['trainer', 'accelerate', 'deepspeed'] };
}

type Told = Extract<Known<Consumer>, { known: true }>;

function fromFiles(links: Links, args: TrainerArguments): Told | undefined {
  const { trainer, fsdp } = links.configs;
  if (trainer) return told('trainer', 'a Trainer file is part of the run', [at(trainer)]);
  if (fsdp && fsdp.at === '') return told('trainer', 'only the Trainer reads such an fsdp_config', [at(fsdp)]);
  const { launch } = links;
  if (launch && args.present) {
    return told('trainer', 'the launch line gives TrainingArguments', [lineOf(links)]);
  }
  if (launch?.launcher === 'trl') return told('trainer', "TRL's command line runs a Trainer", [lineOf(links)]);
  if (launch?.arguments.has('deepspeed_config')) {
    return told('deepspeed', '--deepspeed_config is read by DeepSpeed itself', [lineOf(links)]);
  }
  return undefined;
}

/** What the file would need, which the user's own word comes before. */
function fromAutos({ configs: { deepspeed } }: Links): Told | undefined {
  return deepspeed && needsTrainer(deepspeed)
    ? told('trainer', 'only the Trainer fills its "auto" for betas and eps', [at(deepspeed)])
    : undefined;
}

function fromSettings({ fields }: ProjectSettings): Told | undefined {
  const text = fields.consumer && textFrom(fields.consumer);
  const consumer = text?.known ? consumerOf(text.value) : undefined;
  return consumer && text
    ? { known: true, value: consumer, origin: text.origin ?? { kind: 'assumed', because: 'shardlens.json' } }
    : undefined;
}

function told(consumer: Consumer, formula: string, from: readonly Origin[]): Told {
  return { known: true, value: consumer, origin: { kind: 'derived', formula, from } };
}

function at(config: Config): Origin {
  return { kind: 'file', path: config.file.path, start: config.root.start, end: config.root.start, key: config.at };
}

function lineOf({ launch }: Links): Origin {
  return launch
    ? { kind: 'file', path: launch.path, start: launch.start, end: launch.end, key: 'launch line' }
    : { kind: 'assumed', because: 'a launch line' };
}
