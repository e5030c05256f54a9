//! The datapath against literal octets from the standards and from public reports of faults.

mod cases;
mod model;
mod translate;

use model::{ModelRouter, Outcome};
use translate::{Translated, parse};

fn hash_of(frame: &[u8]) -> u32 {
    parse(frame, frame.len()).header.hash
}

fn run(router: &ModelRouter, frame: &[u8]) -> Outcome {
    Translated::new(router).forward(0, frame, frame.len())
}
