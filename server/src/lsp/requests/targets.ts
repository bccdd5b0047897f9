import type { InstanceRecord } from '../../core/hardware/records';
import { setting, stringOf } from '../../core/settings';
import type { Config } from '../../core/source';
import { lookup } from '../../core/syntax/node';
import { formatParameters } from '../../core/text/format';
import type { TargetsAnswer } from '../protocol';
import type { AnalysedSnapshot, Session } from '../session';
import { uriOf } from '../uri';

/** Instances people rent most, first in the list; the rest follow by id. */
const USUAL_INSTANCES = ['p5.48xlarge', 'p4d.24xlarge', 'p4de.24xlarge', 'g6e.48xlarge', 'g5.48xlarge'];

/** `shardlens/targets`: what "Change target" and "Set model" offer. */
export function targets(session: Session, { analysis }: AnalysedSnapshot): TargetsAnswer {
  const settings = analysis.run?.configs.shardlens;
  const { hardware, models } = session.core.catalogs;
  const usual = new Set(USUAL_INSTANCES);
  const instanceIds = hardware.instanceIds();
  const ordered = [
    ...USUAL_INSTANCES.filter((id) => instanceIds.includes(id)),
    ...instanceIds.filter((id) => !usual.has(id)),
  ];
  return {
    settingsUri: settings ? uriOf(settings.file.path) : null,
    targets: settings ? ownTargets(settings, analysis) : [],
    instances: ordered.map((id) => ({ id, detail: instanceDetail(hardware.instance(id)) })),
    models: models.ids().map((id) => ({ id, detail: modelDetail(models.find(id)?.parameters) })),
  };
}

function ownTargets(settings: Config, analysis: AnalysedSnapshot['analysis']): TargetsAnswer['targets'] {
  const named = setting(settings, 'targets')?.node;
  if (named?.kind !== 'mapping') return [];
  const current = currentTarget(analysis) ?? stringOf(setting(settings, 'target'));
  return named.entries.map(({ key, value }) => {
    const detail = value?.kind === 'mapping' ? ['hardware', 'nodes', 'gpusPerNode'] : [];
    return {
      name: key,
      detail: detail
        .flatMap((name) => {
          const field = value?.kind === 'mapping' ? lookup(value, name)?.value : undefined;
          return field?.kind === 'scalar' ? [`${name}: ${String(field.scalar.value)}`] : [];
        })
        .join(', '),
      current: key === current,
    };
  });
}

/** The target the run was joined with, where its origin lies inside one of the named targets. */
function currentTarget({ run }: AnalysedSnapshot['analysis']): string | undefined {
  const origin = run?.cluster.origin;
  return origin?.kind === 'file' ? /^targets\.([^.]+)/.exec(origin.key)?.[1] : undefined;
}

/** `8 × a100-40gb`. */
function instanceDetail(record: InstanceRecord | undefined): string {
  if (record?.accelerator === undefined) return '';
  return `${record.accelerator_count ?? 1} × ${record.accelerator}`;
}

function modelDetail(parameters: number | undefined): string {
  return parameters === undefined ? '' : formatParameters(parameters);
}
