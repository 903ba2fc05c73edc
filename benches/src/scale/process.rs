//! What this process has cost so far, as Linux counts it.

use std::fs;

use crate::Failed;

/// Clock ticks a second in `/proc`: the same on all Linux machines, whatever their kernel counts with.
const TICKS: f64 = 100.0;

/// The most memory that the process had, in bytes, and the processor time that it took, in seconds.
pub(crate) fn cost() -> Result<(u64, f64), Failed> {
    let status = fs::read_to_string("/proc/self/status")?;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let memory = peak_memory(&status).ok_or("/proc/self/status has no VmHWM")?;
    let processor = processor_time(&stat).ok_or("/proc/self/stat has no times")?;
    Ok((memory, processor))
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn processor_time(stat: &str) -> Option<f64> {
    // The name of the program, in parentheses, may hold spaces. The 14th and 15th fields are counted with it and before it.
    let after_name = stat.rsplit(')').next()?;
    let mut times = after_name.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((times.next()?.ok()? + times.next()?.ok()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_both() {
        assert_eq!(peak_memory("Name:\tscale\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"), Some(2 << 20));
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 1 2 3";
        assert_eq!(processor_time(stat), Some(2.0));
        assert!(cost().expect("this is Linux").0 > 1 << 20);
    }
}
