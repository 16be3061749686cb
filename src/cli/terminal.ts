/** What a terminal would obey instead of show: ids and file names come from anybody. New lines stay. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** Text that is safe to print. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const ESC = "\u001b[";

/** Whether to colour what goes to `stream`. Source: https://no-color.org */
function usesColour(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

export function red(text: string, stream: { isTTY?: boolean }): string {
  return usesColour(stream) ? `${ESC}31m${text}${ESC}39m` : text;
}

/** Writes all of `text`. A reader that has gone away (`| head`) is no error. */
export function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write(text, () => resolve());
  });
}

/**
 * Makes a closed pipe quiet: what was asked for is done all the same. Other errors of the output are thrown; those of
 * the error stream leave nowhere to tell of them.
 */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (stream === process.stdout && error.code !== "EPIPE" && error.code !== "EIO") throw error;
      stream.destroy();
    });
  }
}
