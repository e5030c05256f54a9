//! An interrupt from the keyboard, or a termination signal: it ends a run, whose report is of the part that was run.

use super::Failure;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends the run: set by an interrupt, or where a file cannot be written.
pub(super) static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first signal ends the run; the next ones end the process, whatever it waits for by then.
pub(super) fn catch(quiet: bool) {
    let mut again = false;
    // Without a handler a signal ends the process at once, as it does every other.
    let _ = ctrlc::set_handler(move || interrupt(std::mem::replace(&mut again, true), quiet));
}

/// Whether the run is to end.
pub(super) fn came() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

fn interrupt(again: bool, quiet: bool) {
    if again {
        std::process::exit(i32::from(Failure::Interrupted.exit_code()));
    }
    INTERRUPTED.store(true, Ordering::Relaxed);
    if !quiet {
        // A bar or the echo of the key may stand in the line.
        let line = if std::io::stderr().is_terminal() { "\n" } else { "" };
        let _ = writeln!(std::io::stderr(), "{line}ending; interrupt once more to end at once, without a report");
    }
}
