//! What a terminal shows while a command runs: how far it is, and a line of words; off a terminal nothing.

use super::Common;
use indicatif::{ProgressBar, ProgressStyle};
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
    /// Begins to draw, if there is somebody to see it: of `total`, if that is known, what `look` says is done, and its words.
    pub(super) fn start(
        total: Option<u64>,
        look: impl FnMut() -> (u64, String) + Send + 'static,
        common: &Common,
    ) -> Option<Bar> {
        if common.quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let done = Arc::new(AtomicBool::new(false));
        let theirs = done.clone();
        let thread = std::thread::spawn(move || draw(total, look, &theirs));
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
fn draw(total: Option<u64>, mut look: impl FnMut() -> (u64, String), done: &AtomicBool) {
    let bar = match total {
        Some(total) => ProgressBar::new(total).with_style(style("{bar:30} {percent:>3}%  {msg}  {eta} left")),
        None => ProgressBar::new_spinner().with_style(style("{spinner} {msg}  {elapsed}")),
    };
    loop {
        std::thread::park_timeout(PERIOD);
        if done.load(Ordering::Acquire) {
            break;
        }
        let (position, words) = look();
        bar.set_message(words);
        match total {
            Some(_) => bar.set_position(position),
            None => bar.tick(),
        }
    }
    bar.finish_and_clear();
}

/// `2.500 s emulated`.
pub(super) fn emulated(until_ps: u64) -> String {
    format!("{:.3} s emulated", until_ps as f64 / 1e12)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates here are good")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_can_be_drawn() {
        let watch = |total| draw(total, || unreachable!("it is over"), &AtomicBool::new(true));
        watch(Some(100));
        watch(None);
    }
}
