//! Pinning: which CPU each thread of nodes stays on, if there are enough of them.

/// A CPU for each of `teams` threads, if all the `threads` of a run can have one of their own; `None` if they cannot, or if
/// the system does not tell.
///
/// Where threads have to share CPUs, the system knows better than anybody beforehand which of them to let run.
pub(super) fn cpus(teams: usize, threads: usize) -> Option<Vec<usize>> {
    // The system's count minds a quota as well, the set of CPUs does not.
    let quota = std::thread::available_parallelism().map_or(1, usize::from);
    let mut cpus = system::allowed();
    (quota.min(cpus.len()) >= threads).then(|| {
        cpus.truncate(teams);
        cpus
    })
}

/// Keeps the calling thread on `cpu`. If the system refuses, it runs where it may, which costs time alone.
pub(super) fn pin(cpu: usize) {
    system::pin(cpu);
}

#[cfg(target_os = "linux")]
mod system {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;

    /// The calling thread.
    const SELF: Pid = Pid::from_raw(0);

    /// CPUs that the calling thread may run on.
    pub(super) fn allowed() -> Vec<usize> {
        let set = sched_getaffinity(SELF).unwrap_or_else(|_| CpuSet::new());
        (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect()
    }

    pub(super) fn pin(cpu: usize) {
        let mut set = CpuSet::new();
        let _ = set.set(cpu).and_then(|()| sched_setaffinity(SELF, &set));
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn allowed() -> Vec<usize> {
        Vec::new()
    }

    pub(super) fn pin(_: usize) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// In a thread of its own, which takes its pin with it.
    #[test]
    fn a_pinned_thread_has_its_cpu_alone() {
        let cpu = *cpus(1, 1).unwrap().last().unwrap();
        let left = std::thread::spawn(move || {
            pin(cpu);
            (system::allowed(), std::thread::available_parallelism().unwrap().get(), cpus(1, 2))
        });
        assert_eq!(left.join().unwrap(), (vec![cpu], 1, None));
    }

    #[test]
    fn more_threads_than_cpus_are_not_pinned() {
        let all = system::allowed().len();
        assert!(all > 0 && cpus(1, all + 1).is_none());
    }
}
