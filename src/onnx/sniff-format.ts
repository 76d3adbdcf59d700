const ascii = (bytes: Uint8Array, start: number, length: number) =>
  Buffer.from(bytes.subarray(start, start + length)).toString('latin1');

/** What the first bytes of a file that is not ONNX most likely are; null when nothing is recognised. */
export function sniffFormat(head: Uint8Array): string | null {
  if (ascii(head, 0, 4) === 'PK\x03\x04') return 'a zip archive (a PyTorch checkpoint is one)';
  if (ascii(head, 0, 4) === 'GGUF') return 'a GGUF model';
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) return 'a Python pickle (an old PyTorch checkpoint)';
  if (ascii(head, 0, 8) === 'ORTM' || ascii(head, 4, 4) === 'ORTM') return 'an ORT-format model';
  if (ascii(head, 0, 43).startsWith('version https://git-lfs.github.com/spec/')) {
    return 'a Git LFS pointer: the file itself was not downloaded';
  }
  if (head[8] === 0x7b && head[7] === 0) return 'a safetensors file';
  const text = ascii(head, 0, 64).trimStart().toLowerCase();
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return 'an HTML page (a failed download?)';
  if (text.startsWith('{') || text.startsWith('[')) return 'a JSON file';
  return null;
}
