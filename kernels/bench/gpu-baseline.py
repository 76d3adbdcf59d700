"""Baseline of `npm run bench:gpu`: PyTorch's scaled_dot_product_attention, timed as minference_bench times our kernels.

usage: python3 gpu-baseline.py [--only REGEX] [--json FILE] [--fp16] [--quick] [--runs N]
Needs PyTorch with CUDA; says so and ends well without. Shapes, FLOP counts, flush and warm-up are minference_bench's.
"""

import argparse
import json
import re
import statistics
import sys

WARM_UPS = 2
FLUSH = 256 << 20
K = 1024
# id, tokens, query heads, KV heads, head size, rows (0: all), backends
CUDNN, FLASH = "CUDNN_ATTENTION", "FLASH_ATTENTION"
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
    return parser.parse_args()


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
            label = {CUDNN: "cudnn", FLASH: "flash"}[backend]
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


main()
