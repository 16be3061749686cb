"""Peak resident memory of this process."""

import resource


def peak_mb():
    """In MB. Not getrusage where there is better: what the parent held when it started this process counts there."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
