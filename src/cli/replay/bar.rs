//! What a terminal shows while a replay runs: how much was read, and how far the network's time is; off a terminal nothing.

use super::plan::Plan;
use super::reading::Watch;
use crate::cli::Common;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is drawn.
const PERIOD: Duration = Duration::from_millis(100);

/// A bar with the thread that draws it.
pub(super) struct Bar {
    done: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Bar {
    /// Begins to draw what `watches` show, if there is somebody to see it.
    pub(super) fn start(plan: &Plan, watches: Vec<Watch>, common: &Common) -> Option<Bar> {
        if common.quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let (octets, done) = (plan.capture_octets(), Arc::new(AtomicBool::new(false)));
        let theirs = done.clone();
        let thread = std::thread::spawn(move || draw(octets, &watches, &theirs));
        Some(Bar { done, thread })
    }

    /// Takes it off the terminal.
    pub(super) fn end(self) {
        self.done.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // It was only there to be looked at: if it failed, the run did not.
        let _ = self.thread.join();
    }
}

/// Draws until all is `done`; of runs that are over by the first time nothing is seen.
fn draw(octets: Option<u64>, watches: &[Watch], done: &AtomicBool) {
    let bar = match octets {
        Some(octets) => ProgressBar::new(octets).with_style(style("{bar:30} {percent:>3}%  {msg}  {eta} left")),
        None => ProgressBar::new_spinner().with_style(style("{spinner} {msg}  {elapsed}")),
    };
    loop {
        std::thread::park_timeout(PERIOD);
        if done.load(Ordering::Acquire) {
            break;
        }
        let sum = |what: fn(&Watch) -> u64| watches.iter().map(what).sum::<u64>();
        let read = sum(Watch::octets_read);
        let until_ps = watches.iter().map(Watch::taken_until_ps).max().unwrap_or(0);
        bar.set_message(message(read, sum(Watch::frames), until_ps));
        match octets {
            Some(_) => bar.set_position(read),
            None => bar.tick(),
        }
    }
    bar.finish_and_clear();
}

fn message(octets: u64, frames: u64, until_ps: u64) -> String {
    let seconds = until_ps as f64 / 1e12;
    format!("{} read, {} frames, {seconds:.3} s emulated", HumanBytes(octets), HumanCount(frames))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates here are good")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_tells_what_was_read_and_emulated() {
        assert_eq!(message(3 << 20, 1_234_567, 2_500_000_000_000), "3.00 MiB read, 1,234,567 frames, 2.500 s emulated");
    }

    #[test]
    fn both_templates_can_be_drawn() {
        let watch = |octets| draw(octets, &[], &AtomicBool::new(true));
        watch(Some(100));
        watch(None);
    }
}
