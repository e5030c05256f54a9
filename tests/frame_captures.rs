//! `emit(parse(x)) == x` for every frame of every capture file there is.

#![allow(clippy::print_stderr)] // a test that skips says so

use biplane::capture::CaptureReader;
use biplane::frame::{Frame, Templates};
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("{} is absent: its captures are skipped", folder.display());
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_captured_frame_comes_out_as_it_went_in() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("BIPLANE_SHARED").map_or_else(|| package.join("../shared"), PathBuf::from);
    let mut paths = Vec::new();
    files(&package.join("captures"), &mut paths);
    files(&shared.join("captures"), &mut paths);
    paths.sort();
    let (mut frames, mut again, mut padded) = (0, Vec::new(), Vec::new());
    for path in paths {
        // What is no capture, or damaged from some record on, is for the reader's own tests.
        let Ok(mut reader) = CaptureReader::open(&path) else { continue };
        while let Ok(Some(record)) = reader.next_record() {
            let Some(parsed) = Frame::parse(record.octets, record.original_len, None) else { continue };
            again.clear();
            parsed.frame.emit(&Templates::new(), &mut again);
            padded.clear();
            padded.extend_from_slice(record.octets);
            padded.resize(padded.len().max(record.original_len as usize), 0);
            assert_eq!(again, padded, "{} record {}", path.display(), record.number);
            frames += 1;
        }
    }
    assert!(frames > 2000, "only {frames} frames were found");
}
