//! How much memory may still be taken before the kernel kills somebody.
//!
//! Reserving pages does not always turn a lack of memory into an error: under a cgroup's limit the
//! process is killed instead, and beyond the file size limit it gets SIGXFSZ. So whoever wants
//! much looks first. The answer is a snapshot and an estimate, and it errs towards caution: page
//! cache counts as free, since the kernel drops it on demand, swap does not.

use std::fs::read_to_string;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// Where one version of cgroups keeps its numbers.
struct Layout {
    mounts: &'static [&'static str],
    limit: &'static str,
    usage: &'static str,
    /// Lines of `memory.stat` that count page cache.
    cache: [&'static str; 2],
}

const V1: Layout = Layout {
    mounts: &["/sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    cache: ["total_inactive_file", "total_active_file"],
};

const V2: Layout = Layout {
    mounts: &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
    limit: "memory.max",
    usage: "memory.current",
    cache: ["inactive_file", "active_file"],
};

/// Returns the size beyond which writing to a file kills the process, `None` if there is none.
pub(super) fn file_size_limit() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

/// Returns how many bytes this process may still take: the least that the machine and any of the
/// process's cgroups have left. What cannot be found out limits nothing.
pub(super) fn memory_headroom() -> u64 {
    let membership = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = membership.lines().flat_map(|line| {
        let (layout, path) = group_of(line)?;
        layout.mounts.iter().map(|mount| group_headroom(layout, Path::new(mount), path)).min()
    });
    groups.chain(machine_headroom()).min().unwrap_or(u64::MAX)
}

/// Reads one line of `/proc/self/cgroup`, such as `4:memory:/jobs/7` or `0::/jobs/7`.
fn group_of(line: &str) -> Option<(&'static Layout, &str)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    match controllers {
        "" => Some((&V2, path)),
        list if list.split(',').any(|name| name == "memory") => Some((&V1, path)),
        _ => None,
    }
}

/// Returns the least that the group at `path` and its ancestors, which all count, have left.
fn group_headroom(layout: &Layout, mount: &Path, path: &str) -> u64 {
    let group = mount.join(path.trim_start_matches('/'));
    let ancestors = group.ancestors().take_while(|folder| folder.starts_with(mount));
    ancestors.filter_map(|folder| folder_headroom(layout, folder)).min().unwrap_or(u64::MAX)
}

fn folder_headroom(layout: &Layout, folder: &Path) -> Option<u64> {
    let number = |name| read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    // No number is there if the limit is "max", or in a folder that this process cannot see.
    let limit = number(layout.limit)?;
    let usage = number(layout.usage)?;
    let stat = read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cache: u64 = layout.cache.iter().filter_map(|key| entry(&stat, key)).sum();
    Some(limit.saturating_sub(usage.saturating_sub(cache)))
}

fn machine_headroom() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    entry(&text, "MemAvailable:").map(|kibibytes| kibibytes.saturating_mul(1024))
}

/// Returns the number that follows `key` at the beginning of a line.
fn entry(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    lines.find_map(|mut words| (words.next()? == key).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, remove_dir_all, write};

    use super::*;

    /// Builds a tree of groups in a folder of its own, looks, and removes it.
    fn headroom_of(layout: &Layout, name: &str, files: &[(&str, &str)], path: &str) -> u64 {
        let mount = std::env::temp_dir().join(format!("mp-headroom-{}-{name}", std::process::id()));
        for (file, text) in files {
            let file = mount.join(file);
            create_dir_all(file.parent().unwrap()).unwrap();
            write(file, text).unwrap();
        }
        let headroom = group_headroom(layout, &mount, path);
        remove_dir_all(mount).unwrap();
        headroom
    }

    #[test]
    fn the_tightest_ancestor_counts() {
        let files = [
            ("jobs/memory.max", "1000\n"),
            ("jobs/memory.current", "900\n"),
            ("jobs/7/memory.max", "max\n"),
            ("jobs/7/memory.current", "100\n"),
        ];
        assert_eq!(headroom_of(&V2, "ancestor", &files, "/jobs/7"), 100);
    }

    #[test]
    fn page_cache_counts_as_free() {
        let files = [
            ("memory.limit_in_bytes", "1000\n"),
            ("memory.usage_in_bytes", "990\n"),
            ("memory.stat", "cache 700\ntotal_inactive_file 400\ntotal_active_file 200\n"),
        ];
        assert_eq!(headroom_of(&V1, "cache", &files, "/"), 610);
    }

    #[test]
    fn a_group_that_cannot_be_seen_limits_nothing() {
        let files = [("memory.stat", "")];
        assert_eq!(headroom_of(&V2, "unseen", &files, "/../elsewhere"), u64::MAX);
    }

    #[test]
    fn lines_without_the_memory_controller_are_passed_over() {
        assert!(group_of("8:pids:/").is_none());
        assert!(group_of("nonsense").is_none());
        assert_eq!(group_of("4:cpu,memory:/a:b").map(|found| found.1), Some("/a:b"));
        assert_eq!(group_of("0::/jobs").map(|found| found.0.limit), Some("memory.max"));
    }

    #[test]
    fn this_machine_has_some_memory_left() {
        assert!((1..u64::MAX).contains(&memory_headroom()));
    }
}
