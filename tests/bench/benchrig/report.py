"""What was measured, as a table for people, and as JSON beside what it was measured on."""

import os
import platform
import statistics
from datetime import datetime, timezone

HEADINGS = ("", "req/s", "(range)", "CPU us", "x floor", "at req/s", "p50 us", "p99 us", "p99.9 us", "MiB", "hits")
WIDTHS = (14, 9, 17, 8, 8, 9, 9, 9, 9, 7, 8)


def line(values):
    return "".join(f"{value:<{width}}" if index == 0 else f"{value:>{width}}"
                   for index, (value, width) in enumerate(zip(values, WIDTHS, strict=True)))


def table(workload, measured, missing):
    """Lines; medians over the rounds."""
    lines = [f"\n{workload.title}", line(HEADINGS)]
    for name, one in measured.items():
        low, high = one.spread("requests_per_second")
        hits = [each["hit_share"] for each in one.slices if "hit_share" in each]
        lines.append(line((
            name, f"{one.median('requests_per_second'):,.0f}", f"{low / 1000:.1f}k-{high / 1000:.1f}k",
            f"{one.median('cpu_us_per_request'):.2f}", _over_floor(one), f"{one.rate:,.0f}",
            *(f"{one.timed_median(name):,.0f}" if one.timed else "-" for name in ("p50_us", "p99_us", "p999_us")),
            f"{one.resident_kib / 1024:,.1f}",
            f"{statistics.median(hits):.1%}" if hits and workload.is_hit else "-")))
        if workload.from_redis and name != "floor":
            lines.append(f"{'':14}redis-server: {one.median('beside_us_per_request'):.2f} us of CPU a request")
    lines += [f"not compared: {name}: {reason}" for name, reason in missing.items()]
    return lines


def _over_floor(one):
    return f"{statistics.median(one.over_floor):.2f}" if one.over_floor else "-"


def as_data(workload, measured, missing):
    return {
        "title": workload.title,
        "missing": missing,
        "servers": {name: {
            "requests_per_second": one.median("requests_per_second"),
            "requests_per_second_range": one.spread("requests_per_second"),
            "cpu_us_per_request": one.median("cpu_us_per_request"),
            "over_floor": statistics.median(one.over_floor) if one.over_floor else None,
            "rate": one.rate,
            **{key: one.timed_median(key) for key in ("p50_us", "p99_us", "p999_us")},
            "resident_kib": one.resident_kib,
            "redis_us_per_request": one.median("beside_us_per_request") if workload.from_redis else None,
            "slices": one.slices,
            "timed_slices": one.timed,
        } for name, one in measured.items()},
    }


def machine():
    with open("/proc/cpuinfo") as info:
        models = [text.partition(":")[2].strip() for text in info if text.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_average_before": os.getloadavg()[0],
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
