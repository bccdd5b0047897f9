import type { FrameworkName } from './training-run';

/** What the tag of a container image says is in it. */
export interface ImageContents {
  readonly releases: Readonly<Partial<Record<FrameworkName, string>>>;
  /** `12.9`; undefined where the tag does not say. */
  readonly cuda: string | undefined;
  /** What it runs on, where its name says so. */
  readonly arch: 'x86_64' | 'arm64' | undefined;
}

/**
 * Images whose tags name releases: AWS Deep Learning Containers (`pytorch-training:2.8.0-gpu-py312-cu129-…`,
 * `huggingface-pytorch-training:2.9.0-transformers5.3.0-…`) and PyTorch's own (`pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel`).
 * Sources: aws/deep-learning-containers release tags; hub.docker.com/r/pytorch/pytorch.
 */
export function imageContents(image: string): ImageContents | undefined {
  const own =
    /(?:^|\/)(?:huggingface-)?pytorch-(?:trcomp-)?training(?:-(neuronx|arm64))?:(\d+\.\d+\.\d+)(?:-transformers(\d+\.\d+\.\d+))?(-.*)?$/.exec(
      image,
    );
  const [, kind, torch = '', transformers, rest = ''] =
    own ?? /(?:^|\/)pytorch\/pytorch:()(\d+\.\d+\.\d+)()(-.*)?$/.exec(image) ?? [];
  if (torch === '') return undefined;
  const [, short, long] = /-cu(?:(\d{3})\b|da(\d+\.\d+))/.exec(rest) ?? [];
  return {
    releases: { torch, ...(transformers && { transformers }) },
    arch: own ? (kind === 'arm64' ? 'arm64' : 'x86_64') : undefined,
    cuda: short === undefined ? long : `${short.slice(0, 2)}.${short.slice(2)}`,
  };
}

/** A pip command that brings a release of its own in place of the image's, or may: packages ask for the newest transformers. */
export function isReplaced(framework: FrameworkName, text: string): boolean {
  const installs = [...text.matchAll(/\bpip3? install\b[^\n]*/g)].map(([line]) => line);
  return framework === 'torch'
    ? installs.some((line) => /\b(?:torch|vllm|xformers)\b/.test(line))
    : installs.length > 0;
}
