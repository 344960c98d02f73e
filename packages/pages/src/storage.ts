import { settings } from "./settings.ts";

type Key = "device" | "remember" | "attempt" | "scheme";

const nameOf = (key: Key): string => `portcullis:${settings.base}:${key}`;

/** Whether this browser keeps anything for these pages. In some private modes it does not. */
export const canStore = ((): boolean => {
  try {
    localStorage.setItem(nameOf("scheme"), localStorage.getItem(nameOf("scheme")) ?? "auto");
    return navigator.cookieEnabled;
  } catch {
    return false;
  }
})();

export function recall(key: Key): string | undefined {
  try {
    return localStorage.getItem(nameOf(key)) ?? undefined;
  } catch {
    return undefined;
  }
}

export function store(key: Key, value: string): void {
  try {
    localStorage.setItem(nameOf(key), value);
  } catch {
    // The pages work without it: the device is then not remembered.
  }
}

export function forget(key: Key): void {
  try {
    localStorage.removeItem(nameOf(key));
  } catch {
    // There is nothing to forget.
  }
}
