export function generateAll(): Promise<void>;
