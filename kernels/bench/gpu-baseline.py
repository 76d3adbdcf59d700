"""Baseline of `npm run bench:gpu`: PyTorch's scaled_dot_product_attention, timed as minference_bench times our kernels.

usage: python3 gpu-baseline.py [--only REGEX] [--json FILE] [--fp16] [--quick] [--runs N] [--operands FILE]...
Needs PyTorch with CUDA; says so and ends well without. Shapes, FLOP counts, flush and warm-up are minference_bench's.
"""

import argparse
import json
import re
import statistics
import struct
import sys

WARM_UPS = 2
FLUSH = 256 << 20
K = 1024
# id, tokens, query heads, KV heads, head size, rows (0: all), backends
CUDNN, FLASH = "CUDNN_ATTENTION", "FLASH_ATTENTION"
LABELS = {CUDNN: "cudnn", FLASH: "flash"}
SHAPES = [
    ("dense-32k", 32 * K, 32, 8, 128, 0, (CUDNN, FLASH)),
    ("dense-128k", 128 * K, 32, 8, 128, 0, (CUDNN, FLASH)),
    ("dense-32k-d64", 32 * K, 32, 8, 64, 0, (CUDNN, FLASH)),
    ("decode-128k", 128 * K, 32, 8, 128, 1, (CUDNN, FLASH)),
    ("dense-512k", 512 * K, 4, 1, 128, 0, (CUDNN,)),
    ("dense-1m", 1024 * K, 4, 1, 128, 0, (CUDNN,)),
]


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    parser.add_argument("--fp16", action="store_true")
    parser.add_argument("--quick", action="store_true", help="nothing beyond 128K keys")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--operands", action="append", default=[], help="written by write-operands.ts; float16")
    return parser.parse_args()


HEADER = struct.Struct("<8s6I")
MAGIC, VERSION, FLOAT16 = b"MINFQKV\0", 1, 1


def read_operands(path):
    """(rows, heads, kv_heads, head_dim), and the bytes of q, k and v: the format of operand-file.ts."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < HEADER.size:
        raise ValueError(f"{path}: expected a header of {HEADER.size} bytes, found {len(data)} bytes")
    magic, version, dtype, *shape = HEADER.unpack_from(data)
    if (magic, version, dtype) != (MAGIC, VERSION, FLOAT16):
        expected = (MAGIC, VERSION, FLOAT16)
        raise ValueError(f"{path}: expected magic, version and dtype {expected}, found {(magic, version, dtype)}")
    rows, heads, kv_heads, head_dim = shape
    if 0 in shape or heads % kv_heads:
        raise ValueError(f"{path}: expected rows, heads, KV heads that divide them and a head size, found {shape}")
    queries, keys = (2 * rows * count * head_dim for count in (heads, kv_heads))
    size = HEADER.size + queries + 2 * keys
    if len(data) != size:
        raise ValueError(f"{path}: expected {size} bytes, found {len(data)}")
    at = HEADER.size
    parts = data[at : at + queries], data[at + queries : at + queries + keys], data[at + queries + keys :]
    return shape, [bytearray(part) for part in parts]


def real_name(rows):
    """minference_bench's: tokens rounded up to a power of two."""
    return f"real-{max(1, (1 << (rows - 1).bit_length()) // K)}k"


def timer(torch, runs):
    flushed = torch.empty(FLUSH, dtype=torch.uint8, device="cuda")

    def measure(work, most):
        times = []
        for i in range(-WARM_UPS, most):
            flushed.fill_(i & 0xFF)
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            work()
            end.record()
            torch.cuda.synchronize()
            if i >= 0:
                times.append(begin.elapsed_time(end))
        return times

    return lambda work, most=runs: measure(work, most)


def main():
    options = parse()
    try:
        import torch
    except ImportError:
        print("skipped: no PyTorch", file=sys.stderr)
        return
    if not torch.cuda.is_available():
        print("skipped: PyTorch finds no CUDA device", file=sys.stderr)
        return
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention

    dtype = torch.float16 if options.fp16 else torch.bfloat16
    measure = timer(torch, options.runs)
    rows = []

    def add(row_id, shape, flops, work):
        tokens, heads, kv_heads, head_dim = shape
        try:
            times = measure(work)
        except RuntimeError as error:  # a backend that does not take the shape
            print(f"{row_id:<26} failed: {str(error).splitlines()[0]}", flush=True)
            return
        ms = statistics.median(times)
        rate = f"{flops / ms * 1e-9:7.1f} TFLOP/s" if flops else ""
        print(f"{row_id:<26} {ms:9.3f} ms ({min(times):.3f}-{max(times):.3f}) {rate}", flush=True)
        row = {"id": row_id, "tokens": tokens, "heads": heads, "kvHeads": kv_heads, "headDim": head_dim, "ms": ms}
        row |= {"leastMs": min(times), "mostMs": max(times), "runs": len(times)}
        rows.append(row | ({"flops": flops, "tflops": flops / ms * 1e-9} if flops else {}))

    # What the machine gives at most.
    if re.search(options.only, "gemm"):
        a, b = (torch.randn(8192, 8192, device="cuda", dtype=dtype) for _ in range(2))
        add("gemm-8192", (8192, 1, 1, 8192), 2.0 * 8192**3, lambda: torch.mm(a, b))
        del a, b
    failed = False
    for path in options.operands:
        try:
            (tokens, heads, kv_heads, head_dim), parts = read_operands(path)
        except (OSError, ValueError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            failed = True
            continue
        name, shape = real_name(tokens), (tokens, heads, kv_heads, head_dim)
        q, k, v = (torch.frombuffer(part, dtype=torch.float16).cuda() for part in parts)
        q = q.view(1, tokens, heads, head_dim).transpose(1, 2)
        k, v = (part.view(1, kv_heads, tokens, head_dim) for part in (k, v))
        flops = 2.0 * heads * head_dim * tokens * (tokens + 1)

        def attend(q=q, k=k, v=v):
            scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

        for backend, label in LABELS.items():
            if re.search(options.only, f"{name}/{label}"):
                with sdpa_kernel(getattr(SDPBackend, backend)):
                    add(f"{name}/{label}", shape, flops, attend)
        del q, k, v, attend
    for name, tokens, heads, kv_heads, head_dim, new, backends in SHAPES:
        if options.quick and tokens > 128 * K:
            continue
        if not any(re.search(options.only, f"{name}/{backend}") for backend in backends):
            continue
        count = new or tokens
        q = torch.randn(1, count, heads, head_dim, device="cuda", dtype=dtype).transpose(1, 2)
        k, v = (torch.randn(1, kv_heads, tokens, head_dim, device="cuda", dtype=dtype) for _ in range(2))
        flops = 2.0 * heads * head_dim * count * (2 * tokens - count + 1)
        for backend in backends:
            label = LABELS[backend]
            # One new row sees every key: no mask.
            causal = new == 0

            def work(q=q, k=k, v=v, causal=causal):
                scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)

            with sdpa_kernel(getattr(SDPBackend, backend)):
                add(f"{name}/{label}", (tokens, heads, kv_heads, head_dim), 0 if new else flops, work)
        del q, k, v
    if options.json:
        versions = {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}
        with open(options.json, "w") as file:
            json.dump({"gpu": torch.cuda.get_device_name(0), **versions, "dtype": str(dtype)[6:], "rows": rows}, file)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
