//! What this machine has to share out: its cores and its memory, as far as this process may use them.

use std::fs;
use std::thread;

/// Where Linux tells of the memory that there is, and of the part of it that this process may use.
const MEMORY: &str = "/proc/meminfo";
const ALLOWED: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// The cores that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The bytes of memory that this process may use; `None` where the system does not tell.
pub(crate) fn memory() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let there = read(MEMORY).and_then(|text| total(&text));
    let allowed = ALLOWED.iter().filter_map(|path| read(path)?.trim().parse().ok());
    there.into_iter().chain(allowed).min()
}

/// The total that is told in kB.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_whatever_else_is_told() {
        let text = "MemTotal:        8148024 kB\nMemFree:          512 kB\n";
        assert_eq!(total(text), Some(8_148_024 * 1024));
        assert_eq!(total("MemFree: 512 kB\n"), None);
        assert_eq!(total("MemTotal: much kB\n"), None);
    }
}
