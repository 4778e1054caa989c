//! The kernel's count of processes that it has killed for want of memory.
//!
//! The count of the control group is about few processes, that of the system about all. A kill is
//! counted before the process gets the signal; so if a worker died by SIGKILL and the count has
//! gone up since the last look, that was probably why. To be of use, the last look must be recent.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How old the last look may become while the pool works.
const FRESH: Duration = Duration::from_secs(1);

/// A counter, and its last known value.
#[derive(Debug)]
pub(crate) struct OomKills {
    /// A file with a line `oom_kill N`.
    file: PathBuf,
    count: u64,
    looked: Instant,
}

impl OomKills {
    pub(crate) fn new() -> Self {
        let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut files = candidates(&group).into_iter();
        let file = files.find(|file| read(file).is_some()).unwrap_or_default();
        let count = read(&file).unwrap_or(0);
        Self { file, count, looked: Instant::now() }
    }

    /// Looks, unless it has looked a moment ago.
    pub(crate) fn refresh(&mut self) {
        if self.looked.elapsed() >= FRESH {
            self.has_risen();
        }
    }

    /// Whether there were kills since the last look.
    pub(crate) fn has_risen(&mut self) -> bool {
        self.looked = Instant::now();
        let before = self.count;
        self.count = read(&self.file).unwrap_or(before);
        self.count > before
    }
}

/// Where the count may be, given `/proc/self/cgroup`: that of the control group first.
fn candidates(group: &str) -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let mut files = Vec::new();
    for line in group.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            files.push(root.join(path).join("memory.events"));
        } else if controllers.split(',').any(|controller| controller == "memory") {
            files.push(root.join("memory").join(path).join("memory.oom_control"));
        }
    }
    files.push("/proc/vmstat".into());
    files
}

fn read(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::Instant;

    use super::{OomKills, candidates};

    #[test]
    fn the_count_of_the_own_group_comes_first() {
        let both = "4:cpu,memory:/docker/ab\n0::/user.slice/x:y\n";
        let paths = [
            "/sys/fs/cgroup/memory/docker/ab/memory.oom_control",
            "/sys/fs/cgroup/user.slice/x:y/memory.events",
            "/proc/vmstat",
        ];
        assert_eq!(candidates(both), paths.map(PathBuf::from));
        assert_eq!(candidates("nonsense"), [Path::new("/proc/vmstat")]);
    }

    #[test]
    fn a_rise_is_seen_once() {
        let file = std::env::temp_dir().join(format!("oom-kills-{}", std::process::id()));
        std::fs::write(&file, "low 0\noom 9\noom_kill 3\n").unwrap();
        let mut kills = OomKills { file: file.clone(), count: 3, looked: Instant::now() };
        assert!(!kills.has_risen());
        std::fs::write(&file, "low 0\noom 9\noom_kill 4\n").unwrap();
        assert!(kills.has_risen());
        assert!(!kills.has_risen());
        std::fs::remove_file(&file).unwrap();
        assert!(!kills.has_risen(), "what cannot be read does not rise");
    }
}
