/** How quantities are written for people; the same everywhere, whatever the locale. */

const KIB = 1024;
const MIB = KIB * 1024;
const GIB = MIB * 1024;

/** Memory in GiB: `31.2 GiB`, `3.29 GiB`, `0.047 GiB`; three significant digits, no more than two decimals from 1 up. */
export function formatGib(bytes: number): string {
  return `${significant(bytes / GIB)} GiB`;
}

/** Bytes in the binary unit that suits them: `512 B`, `1.5 KiB`, `95.4 MiB`, `3.29 GiB`. */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  if (size < KIB) return `${Math.round(bytes)} B`;
  if (size < MIB) return `${significant(bytes / KIB)} KiB`;
  if (size < GIB) return `${significant(bytes / MIB)} MiB`;
  return formatGib(bytes);
}

/** A number of parameters as model names write it: `8.0 B`, `124 M`, `70.6 B`. */
export function formatParameters(count: number): string {
  if (count >= 1e12) return `${(count / 1e12).toFixed(1)} T`;
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(1)} B`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(count < 9.95e6 ? 1 : 0)} M`;
  if (count >= 1e3) return `${(count / 1e3).toFixed(count < 9.95e3 ? 1 : 0)} K`;
  return String(Math.round(count));
}

/** A plain count with thousands apart: `8,030,261,248`. */
export function formatCount(count: number): string {
  const digits = String(Math.abs(Math.round(count)));
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return count < 0 ? `-${grouped}` : grouped;
}

/** A length of time: `38 µs`, `4.2 ms`, `0.53 s`, `19.5 s`, `16 min 15 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 1e-3) return `${significant(seconds * 1e6)} µs`;
  if (seconds < 0.1) return `${significant(seconds * 1e3)} ms`;
  if (seconds < 99.95) return `${significant(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A predicted time of a step where there is no room for its band: `≈ 19.5 s`. */
export function formatAbout(seconds: number): string {
  return `≈ ${formatSeconds(seconds)}`;
}

/** A transfer rate in vendors' decimal units: `300 GB/s`, `12.5 GB/s`, `850 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  if (bytesPerSecond >= 999.5e9) return `${trimmed(bytesPerSecond / 1e12)} TB/s`;
  if (bytesPerSecond >= 0.9995e9) return `${trimmed(bytesPerSecond / 1e9)} GB/s`;
  return `${trimmed(bytesPerSecond / 1e6)} MB/s`;
}

/** A share: `4.2 %`, `38 %`. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  return `${Math.abs(percent) < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Three significant digits, at most three decimals: 31.2, 3.29, 0.047, 150. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.0995) return value.toFixed(2);
  return value.toFixed(size === 0 ? 0 : 3);
}

/** As {@link significant}, without zeros at the end, for round vendor figures: 300, 12.5, 1. */
function trimmed(value: number): string {
  const text = significant(value);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** `1 micro-step`, `4 micro-steps`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** A value of a config in prose and tables: `5e7`, as people write bucket sizes. */
export function formatSetting(value: unknown): string {
  const isLong = typeof value === 'number' && value >= 1e6 && value % 1e5 === 0;
  return isLong ? value.toExponential().replace('+', '') : String(value);
}
