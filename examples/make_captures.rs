//! Makes the files of `captures/` again: `cargo run --example make_captures -- captures`.
#![allow(clippy::print_stdout)]

#[path = "made/mod.rs"]
mod made;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("the folder to write to is missing: make_captures captures"));
    };
    for made::Made { name, octets, records } in made::all() {
        let file = folder.join(name);
        // A packed file that holds the same stays: another packer would only make other octets of it.
        let before = std::fs::read(&file).and_then(|before| made::unpacked(name, &before)).ok();
        let same = before == Some(made::unpacked(name, &octets)?);
        if !same {
            std::fs::write(&file, &octets)?;
        }
        let state = if same { "unchanged" } else { "written" };
        println!("{name}: {} octets, {records} records, {state}", octets.len());
    }
    Ok(())
}
