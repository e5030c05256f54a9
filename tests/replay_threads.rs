//! The same octets written and the same report, whatever the number of threads.
#![allow(clippy::print_stderr)]

mod cmd;

use cmd::Replayed;

#[test]
fn threads_change_nothing() {
    for way in [
        &["captures/branch-office.pcapng", "--through", "direct", "--into", "hq"][..],
        &["captures/branch-office.pcapng", "--through", "direct", "--into", "hq", "--topspeed", "--loop", "5"],
        &[
            "captures/branch-office-both.pcapng",
            "--through",
            "direct",
            "--into",
            "hq",
            "--into",
            "prod",
            "--split",
            "auto",
        ],
        &["captures/labels-1-to-6.pcap", "captures/pseudowires.pcap", "--through", "lsr", "--into", "a"],
    ] {
        let run = |threads: &str| {
            let mut replayed = Replayed::new(&[way, &["--threads", threads]].concat()).ok();
            let engine = replayed.json.as_object_mut().unwrap().remove("engine").unwrap();
            assert_eq!(engine["threads"].to_string(), threads, "the engine's block tells the difference");
            (std::fs::read(&replayed.out).unwrap(), replayed.json, replayed.ran.out)
        };
        let one = run("1");
        assert!(one.0.len() > 1000);
        for threads in ["2", "4"] {
            let more = run(threads);
            assert!(one.0 == more.0, "{way:?}: other octets at {threads} threads");
            assert_eq!(one.1, more.1, "{way:?} at {threads} threads");
            assert_eq!(one.2, more.2, "{way:?} at {threads} threads");
        }
    }
}

#[test]
fn the_seed_spreads_the_flows() {
    let run = |seed: &str| {
        let args = ["captures/branch-office.pcapng", "--through", "direct", "--into", "hq", "--seed", seed];
        let replayed = Replayed::new(&args).ok();
        let frames = replayed.figure("/circuits/0/connections/0/in_frames");
        assert_eq!(replayed.json["seed"].to_string(), seed);
        assert!((500..1800).contains(&frames), "{frames} of 2316 frames on the primary");
        frames
    };
    assert_ne!(run("1"), run("2"));
}
