//! The drill's report as text: what was asked, what came of each stream, and the network's ports and planes.

use super::{balance, circuits, control, count, finish, of, ports, services, si, some, table, tables, time};
use crate::report::drill::{Asked, Drill, FrameSize, Loss, StreamFigures, Streamed};
use crate::time::Span;
use std::fmt::Write;

/// The report.
pub fn drill(report: &Drill) -> String {
    let mut out = String::new();
    let (duration, cut) = (Span::from_ps(report.duration_ps), if report.interrupted { ", interrupted" } else { "" });
    let _ = writeln!(out, "{}: drill of {duration}{cut}, seed {}\n", report.scenario, report.seed);
    for stream in &report.streams {
        asked(&mut out, stream, report.duration_ps);
    }
    out.push('\n');
    streams(&mut out, report);
    delays(&mut out, report);
    if let Some(figures) = &report.control {
        control::control(&mut out, figures);
    }
    ports(&mut out, &report.network);
    circuits(&mut out, &report.network);
    services(&mut out, &report.network);
    balance(&mut out, &report.network.balance);
    if let Some(figures) = &report.control {
        control::traffic(&mut out, figures);
    }
    if let Some(figures) = &report.tables {
        tables::tables(&mut out, figures);
    }
    out
}

/// `app: hq to prod, 4Gbps of IP packets, IMIX, 200 flows of IPv4, DSCP 46, 5 ms to 15 ms`.
fn asked(out: &mut String, stream: &StreamFigures, duration_ps: u64) {
    let is_whole = (stream.begin_ps, stream.end_ps) == (0, duration_ps);
    let when = || format!("{} to {}", Span::from_ps(stream.begin_ps), Span::from_ps(stream.end_ps));
    let when = (!is_whole).then(when);
    let _ = writeln!(out, "{}", stream_text(&stream.stream, [&stream.from, &stream.to], &stream.asked, when));
}

/// What is asked of a stream, from one end to the other, and when, if not all the time: in lines for a screen, without the
/// break of the last.
pub fn stream_text(name: &str, [from, to]: [&str; 2], asked: &Asked, when: Option<String>) -> String {
    let Asked { rate, counts, family, flows, sizes, dscp } = asked;
    let counted = match counts {
        None => "",
        Some("packet") => " of IP packets",
        Some("wire") => " on the wire",
        Some(_) => " of frames",
    };
    let family = if *family == "ipv4" { "IPv4" } else { "IPv6" };
    let between = format!("{from} to {to}");
    let mut parts = if name == between { Vec::new() } else { vec![between] };
    parts.extend([format!("{rate}{counted}"), frames(sizes), format!("{} of {family}", of(u64::from(*flows), "flow"))]);
    if *dscp > 0 {
        parts.push(format!("DSCP {dscp}"));
    }
    parts.extend(when);
    let mut out = format!("{name}:");
    let (mut column, last) = (name.chars().count() + 1, parts.len() - 1);
    for (place, part) in parts.iter().enumerate() {
        let end = if place == last { "" } else { "," };
        let width = part.chars().count() + 1 + end.len();
        if column + width > COLUMNS {
            out.push_str("\n ");
            column = 1;
        }
        let _ = write!(out, " {part}{end}");
        column += width;
    }
    out
}

/// `frames of 66, 1518 octets at 3 : 1`.
fn frames(sizes: &[FrameSize]) -> String {
    let list = |of: fn(&FrameSize) -> u32, between: &str| {
        sizes.iter().map(|size| of(size).to_string()).collect::<Vec<_>>().join(between)
    };
    let octets = list(|size| size.octets.into(), ", ");
    match sizes {
        [_] => format!("frames of {octets} octets"),
        _ => format!("frames of {octets} octets at {}", list(|size| size.weight, " : ")),
    }
}

fn streams(out: &mut String, report: &Drill) {
    let mut table = table(&["Stream", "offered", "b/s", "frames/s", "delivered", "b/s", "lost", "loss"], 1);
    let mut notes = Vec::new();
    for stream in &report.streams {
        let bits = |streamed: &Streamed| match (streamed.frames, stream.asked.counts) {
            (0, _) => "-".to_owned(),
            (_, Some("wire")) => si(streamed.bps.wire).trim_end().to_owned(),
            (_, Some("frame")) => si(streamed.bps.frame).trim_end().to_owned(),
            _ => si(streamed.bps.packet).trim_end().to_owned(),
        };
        table.add_row([
            stream.stream.clone(),
            count(stream.offered.frames),
            bits(&stream.offered),
            si(stream.offered.millipps / 1000).trim_end().to_owned(),
            some(stream.delivered.frames),
            bits(&stream.delivered),
            some(stream.lost),
            loss(stream),
        ]);
        notes.extend(remarks(stream).into_iter().map(|note| format!("  {}: {note}", stream.stream)));
    }
    finish(out, &table);
    if !notes.is_empty() {
        let _ = writeln!(out, "{}\n", notes.join("\n"));
    }
}

/// What else there is to say of a stream, a line each.
fn remarks(stream: &StreamFigures) -> Vec<String> {
    let reasons = |there: &[Loss]| {
        let reasons = there.iter().map(|loss| format!("{} {}", count(loss.frames), loss.reason));
        format!("dropped at {}: {}", there[0].place, reasons.collect::<Vec<_>>().join(", "))
    };
    let mut lines: Vec<_> = stream.drops.chunk_by(|one, next| one.place == next.place).map(reasons).collect();
    if stream.late_ps > 0 {
        let late = time(stream.late_ps);
        lines.push(format!("the last frame left {late} after the stream's end: its port carries less"));
    }
    for (frames, what) in [
        (stream.created, "ICMP errors were made of it"),
        (stream.elsewhere, "frames of it, ICMP errors counted, were delivered to other hosts"),
        (stream.consumed, "frames of it were taken by routers"),
        (stream.in_network, "frames of it were under way at the interrupt"),
    ] {
        if frames > 0 {
            lines.push(format!("{} {what}", count(frames)));
        }
    }
    lines
}

/// The share that was lost, to a ten-thousandth of a percent where it is small.
fn loss(stream: &StreamFigures) -> String {
    match stream.lost_ppm {
        0 if stream.lost > 0 => "under 0.0001 %".into(),
        ppm @ 1..10_000 => format!("0.{ppm:04} %"),
        ppm => format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100),
    }
}

/// Columns of what is written before the tables.
const COLUMNS: usize = 100;

fn delays(out: &mut String, report: &Drill) {
    let mut table = table(&["Stream", "least delay", "mean delay", "most delay"], 1);
    for stream in &report.streams {
        let shown = |ps: Option<u64>| ps.map_or("-".into(), time);
        table.add_row([stream.stream.clone(), shown(stream.least_ps), shown(stream.mean_ps), shown(stream.most_ps)]);
    }
    finish(out, &table);
}
