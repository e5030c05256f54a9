//! The house rules: arrows point down, files and functions are short, every dependency is used and has its reason.
//!
//! Each rule is held to small texts that must break it first, then the whole source is held to the rule.

mod house;

use house::scan::Source;
use house::{Breach, arrows, manifest, shape, tree, words};

/// Says all breaches at once.
fn hold(rule: &str, breaches: impl IntoIterator<Item = Breach>) {
    let lines: Vec<_> = breaches.into_iter().map(|breach| format!("  {breach}")).collect();
    assert!(lines.is_empty(), "{rule}:\n{}", lines.join("\n"));
}

fn lines(breaches: &[Breach]) -> Vec<usize> {
    breaches.iter().map(|breach| breach.line).collect()
}

#[test]
fn arrows_point_down() {
    hold(
        "a room uses what is not beneath it",
        tree::sources().iter().filter(|s| s.path.starts_with("src/")).flat_map(arrows::wrong),
    );
}

#[test]
fn every_room_of_the_plan_is_there() {
    let sources = tree::sources();
    for (room, _) in arrows::ROOMS {
        let is_there =
            sources.iter().any(|source| source.path.starts_with("src/") && arrows::room(&source.path) == *room);
        assert!(is_there, "tests/house/arrows.rs has `{room}`, src has not: take it out");
    }
}

#[test]
fn files_and_functions_are_short() {
    let sources = tree::sources();
    hold("too long a file", sources.iter().filter_map(shape::long_file));
    hold("too long a function", sources.iter().flat_map(shape::long_functions));
}

#[test]
fn every_file_opens_with_a_sentence() {
    hold("no opening", tree::sources().iter().filter_map(shape::no_opening));
}

#[test]
fn words_are_where_they_may_be() {
    hold("a word out of place", tree::sources().iter().flat_map(words::wrong));
}

#[test]
fn floats_that_are_allowed_are_there() {
    for (file, text, reason) in words::FLOATS {
        let is_there = tree::read(file).lines().any(|line| line.trim() == *text);
        assert!(is_there, "tests/house/words.rs allows `{text}` in {file} ({reason}), which is not there: take it out");
    }
}

#[test]
fn dependencies_have_reasons_and_are_used() {
    hold("a dependency", manifest::wrong(&tree::read("Cargo.toml"), &tree::sources()));
}

mod rules_that_can_break {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn an_arrow_up_is_seen_wherever_it_is() {
        let text = "//! A.\n\
            use crate::engine::Run;\n\
            // use crate::cli::x;\n\
            /// [`crate::cli::x`]\n\
            use crate::{frame::Frame, port, id};\n\
            use crate::{\n    wire::{ipv4, be16},\n    node::forward,\n};\n\
            fn f() { let s = \"crate::cli\"; crate :: report::x(); 'a'; super::super::scenario::y(); }\n\
            #[cfg(test)]\nmod tests { use crate::cli::Z; }\n\
            fn g() { super::cli(); crate::unknown(); super::super::super::cli(); }\n";
        let wrong = arrows::wrong(&source("src/table/fib.rs", text));
        assert_eq!(lines(&wrong), [2, 5, 8, 10, 10]);
        let to = |n: usize| wrong[n].says.split('`').nth(3).unwrap_or("").to_owned();
        assert_eq!((0..5).map(to).collect::<Vec<_>>(), ["engine", "port", "node", "report", "scenario"]);
    }

    #[test]
    fn arrows_within_a_layer_are_as_the_plan_says() {
        let breaks = |path: &str, text: &str| !arrows::wrong(&source(path, text)).is_empty();
        for (path, text) in [
            ("src/frame/mod.rs", "use crate::table::Fib;"),
            ("src/capture/mod.rs", "use crate::frame::Frame;"),
            ("src/port/mod.rs", "use crate::traffic::X;"),
            ("src/scenario/mod.rs", "use crate::report::X;"),
            ("src/report/mod.rs", "use crate::scenario::X;"),
            ("src/time.rs", "use crate::id::NodeId;"),
            ("src/time.rs", "fn f() { super::rng::x() }"),
            ("src/main.rs", "fn main() { biplane::engine::run() }"),
            ("src/attic.rs", ""),
        ] {
            assert!(breaks(path, text), "{path}: {text}");
        }
        for (path, text) in [
            ("src/table/mod.rs", "use crate::frame::Frame; use crate::table::Fib;"),
            ("src/traffic/mod.rs", "use crate::{capture, frame, table};"),
            ("src/report/mod.rs", "use crate::engine::Outcome;"),
            ("src/cli/mod.rs", "use crate::{report, scenario};"),
            ("src/main.rs", "fn main() { biplane::cli::main() }"),
        ] {
            assert!(!breaks(path, text), "{path}: {text}");
        }
    }

    #[test]
    fn a_file_of_601_lines_is_too_long() {
        let of = |lines: usize| shape::long_file(&source("src/a.rs", &"x\n".repeat(lines)));
        assert!(of(600).is_none());
        assert_eq!(of(601).map(|breach| breach.line), Some(601));
    }

    #[test]
    fn a_function_of_71_lines_is_too_long_whatever_is_in_it() {
        // Nine lines that a counter of braces can lose itself in.
        let traps = "    let a = \"}\\\"}\";\n    let b = '}';\n    let c = r#\"}\"}\"#;\n    // }\n    /* } /* } */ } */\n    \
            let d = b'}';\n    let e: &'static str = \"\n}\";\n    let f = '\\'';\n";
        let of = |more: usize| {
            let head = "//! A.\ntype F = fn(u8) -> u8;\ntrait T { fn none(&self) -> [u8; { 4 }]; }\n";
            let text =
                format!("{head}fn long<'a>(x: [u8; {{ 3 }}]) {{\n{traps}{}}}\nfn b() {{}}\n", "    x;\n".repeat(more));
            shape::long_functions(&source("src/a.rs", &text))
        };
        assert_eq!(of(59), []);
        assert_eq!(lines(&of(60)), [4]);
        assert!(of(60)[0].says.contains("`long` has 71 lines"), "{}", of(60)[0]);
    }

    #[test]
    fn an_opening_is_a_sentence() {
        let breaks = |text: &str| shape::no_opening(&source("tests/a.rs", text)).is_some();
        for text in
            ["", "use x;\n", "// Not a comment of the file.\n", "//! Two words\n//! more", "//!\n//! After a blank.\n"]
        {
            assert!(breaks(text), "{text}");
        }
        assert!(!breaks("//! What this file is: one thing,\n//! and not another.\n\nuse x;\n"));
    }

    #[test]
    fn words_out_of_place_are_seen() {
        let text = "//! A.\nfn f() {\n    unsafe { g() }\n    todo!();\n    dbg!(1);\n    unimplemented!()\n}\n#[ignore]\n\
            // TODO later\n/* FIXME */\nfn h() { \"TODO unsafe dbg!\"; }\n#![deny(unsafe_code)]\n";
        assert_eq!(lines(&words::wrong(&source("tests/a.rs", text))), [3, 4, 5, 6, 8, 9, 10]);
    }

    #[test]
    fn floats_are_seen_where_arithmetic_is_exact() {
        let text = "//! A.\nfn f(x: f64) {}\nlet a = 1.5;\nlet b = 1f32;\nlet c = x.0.1;\nlet d = 1..5;\nlet e = 2.max(1);\n\
            // f64\n#[cfg(test)]\nmod tests { const X: f64 = 0.5; }\n";
        assert_eq!(lines(&words::wrong(&source("src/port/x.rs", text))), [2, 3, 4]);
        assert_eq!(words::wrong(&source("src/report/x.rs", text)), []);
        assert_eq!(
            lines(&words::wrong(&source("src/time.rs", "pub fn as_s_f64(self) -> f64 {\nself.0 as f64\n"))),
            [2]
        );
    }

    #[test]
    fn maps_without_order_are_seen_where_order_is() {
        let text = "//! A.\nuse std::collections::HashMap;\nfn f() { HashSet::<u8>::new(); }\n";
        assert_eq!(lines(&words::wrong(&source("src/report/x.rs", text))), [2, 3]);
        assert_eq!(words::wrong(&source("src/capture/x.rs", text)), []);
    }

    #[test]
    fn a_dependency_without_reason_or_use_is_seen() {
        let text = "[package]\nname = \"x\"\n\n[dependencies]\n# A comment.\na-b = \"1\" # good\nc = { version = \"1\", f = [\"#\"] }\n\
            d = \"1\" # good\n\n[dev-dependencies]\ne = \"1\" # good\nf = \"1\" # good\n\n[profile.release]\nlto = true\n";
        let sources = [
            source("src/a.rs", "//! A.\nuse a_b::X; use c::Y; // d\n"),
            source("tests/a.rs", "//! A.\nuse d::X; use e::Y; const F: &str = \"f\";\n"),
        ];
        let wrong = manifest::wrong(text, &sources);
        assert_eq!(lines(&wrong), [7, 8, 12]);
        assert!(wrong[0].says.contains("no reason") && wrong[1].says.contains("not used"));
        assert_eq!(manifest::dependencies(text).len(), 5);
    }

    #[test]
    fn blanking_keeps_every_line_in_its_place() {
        for file in tree::sources() {
            assert_eq!(file.code.len(), file.text.len(), "{}", file.path);
            let breaks = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            assert_eq!(breaks(&file.code), breaks(&file.text), "{}", file.path);
            let count = |bracket: char| file.code.matches(bracket).count();
            assert_eq!((count('{'), count('(')), (count('}'), count(')')), "{}: brackets are lost", file.path);
        }
    }
}
