import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { t } from "./text.ts";

export function CopyText({ text }: { readonly text: string }): ReactNode {
  const [copied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      setCopied(false);
    }
  }
  return (
    <Button variant="default" size="xs" onClick={() => void copy()} aria-live="polite">
      {t(copied ? "copied" : "copy")}
    </Button>
  );
}
