/** What an exit code of a pod says to a person. */

const words: Readonly<Record<number, string>> = {
  0: 'it finished',
  1: 'it failed without saying how',
  64: 'its configuration is wrong; starting it again changes nothing',
  65: 'its input is wrong; starting it again changes nothing',
  70: 'a bug of Millrace; its log has the stack',
  75: 'a backend was away',
  126: 'its program cannot be executed',
  127: 'its program is not in the image',
  134: 'it gave up by itself, as Node does when its heap is full',
  137: 'it was killed: out of memory, or not done in time when told to stop',
  139: 'it crashed in native code',
  143: 'it was told to stop',
};

export function exitWords(code: number): string {
  const known = words[code];
  if (known !== undefined) return `exit code ${code}: ${known}`;
  return code > 128 ? `exit code ${code}: ended by signal ${code - 128}` : `exit code ${code}`;
}
