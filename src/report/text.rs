//! Reports as text: the replay's for a screen of 80 columns, the drill's for 100, as long as figures and names allow.

mod control;
pub(super) mod drill;
mod tables;

use super::replay::{Balance, CaptureFound, Circuit, Connection, Dropped, NetworkFigures, Rate, Replay, SourceFigures};
use crate::time::Span;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write;

/// The report.
pub fn replay(report: &Replay) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: replay, seed {}\n", report.scenario, report.seed);
    for source in &report.sources {
        source_lines(&mut out, source);
    }
    let network = &report.network;
    ports(&mut out, network);
    circuits(&mut out, network);
    services(&mut out, network);
    delivered(&mut out, network);
    drops(&mut out, &network.dropped);
    balance(&mut out, &network.balance);
    out
}

fn balance(out: &mut String, b: &Balance) {
    let _ = write!(
        out,
        "Balance: {} offered + {} created = {} delivered + {} dropped + {} consumed",
        count(b.offered),
        count(b.created),
        count(b.delivered),
        count(b.dropped),
        count(b.consumed)
    );
    let _ = match b.in_network {
        0 => writeln!(out),
        left => writeln!(out, " + {} under way", count(left)),
    };
}

fn source_lines(out: &mut String, source: &SourceFigures) {
    let flows = match source.flows_exceeded {
        true => format!("{} or more flows", count(source.flows)),
        false => of(source.flows, "flow"),
    };
    let (frames, octets) = (of(source.frames, "frame"), of(source.octets, "octet"));
    let _ = writeln!(out, "Into {}: {frames}, {octets}, {flows}", source.into);
    for capture in &source.captures {
        let _ = writeln!(out, "  from {}: {}", capture.file, of(capture.records, "record"));
        for note in notes(capture) {
            let _ = writeln!(out, "    {note}");
        }
    }
    if source.frames > 0 {
        let all_at_once = || "all at once".to_owned();
        let requested = source.requested.map_or_else(all_at_once, rate);
        let achieved = match (source.achieved, source.requested) {
            (None, Some(_)) => "less, as not all left before the end".into(),
            (achieved, _) => achieved.map_or_else(all_at_once, rate),
        };
        let _ = writeln!(out, "  requested {requested}, the last frame at {}", time(source.requested_ps));
        let _ = writeln!(out, "  achieved  {achieved}, the last frame out at {}", time(source.achieved_ps));
    }
    let notes = [
        (source.not_ip, "not IP"),
        (source.unrouted, "to destinations that the scenario does not know"),
        (source.moved, "with addresses moved"),
        (source.padded, "cut by a snap length, padded with zeros to their length"),
        (source.skipped, "cut by a snap length, left out"),
        (source.too_long, "over 16 KiB, left out"),
        (source.other_side, "of the other side, left to the other place"),
        (source.other_interface, "of other interfaces, left out"),
        (source.timestamp_regressions, "stamped before the frame before them: sent with it"),
        (source.gaps_clamped, "after a gap longer than --max-gap, which was cut to it"),
        (source.unstamped, "without a time: sent with the frame before them"),
    ];
    for (frames, what) in notes.into_iter().filter(|(frames, _)| *frames > 0) {
        let _ = writeln!(out, "  {} {what}", count(frames));
    }
    if source.ended_early {
        let _ = writeln!(out, "  stopped at --until, with frames left");
    }
    if let Some(failed) = &source.failed {
        let _ = writeln!(out, "  stopped early: {failed}");
    }
    out.push('\n');
}

/// What else there is to say of a capture, a line each.
fn notes(capture: &CaptureFound) -> Vec<String> {
    let notes = [
        (capture.snapped, "cut by a snap length"),
        (capture.caplen_gt_len, "claiming more octets than the packet had"),
        (capture.subsecond_out_of_range, "with a sub-second part of a second or more"),
        (capture.fcs_removed, "with an FCS, taken off"),
    ];
    let notes = notes.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n)));
    let mut parts: Vec<_> = notes.collect();
    parts
        .extend(capture.refused.iter().map(|r| format!("{} not readable as Ethernet ({})", count(r.frames), r.reason)));
    parts.extend(capture.cut_short_at.map(|at| format!("cut short inside the record at octet {}", count(at))));
    parts
}

/// A row for each direction of a port that saw anything.
fn ports(out: &mut String, report: &NetworkFigures) {
    let mut table = table(&["Port", "way", "frames", "octets", "flows", "dropped"], 2);
    let mut reasons_at = Vec::new();
    for port in &report.ports {
        let received = (port.received_frames, port.received_octets, port.received_flows);
        let sent = (port.sent_frames, port.sent_octets, port.sent_flows);
        for (way, (frames, octets, flows), drops) in
            [("in", received, &port.ingress_drops), ("out", sent, &port.egress_drops)]
        {
            let dropped: u64 = drops.iter().map(|d| d.frames).sum();
            if frames + dropped == 0 {
                continue;
            }
            table.add_row([port.port.clone(), way.into(), some(frames), some(octets), some(flows), some(dropped)]);
            if dropped > 0 {
                reasons_at.push(format!("dropped at {} ({way}): {}", port.port, reasons(drops)));
            }
        }
    }
    let slow_path = report.slow_path_drops.iter();
    reasons_at.extend(slow_path.map(|node| format!("dropped by {} (slow path): {}", node.node, reasons(&node.drops))));
    finish(out, &table);
    reasons_at.iter().for_each(|line| {
        let _ = writeln!(out, "  {line}");
    });
    if !reasons_at.is_empty() {
        out.push('\n');
    }
}

/// A row for each direction of a circuit's connections, if the circuit carried anything that way.
fn circuits(out: &mut String, report: &NetworkFigures) {
    let mut table = table(&["Connection", "way", "frames", "octets", "share"], 2);
    for Circuit { connections, .. } in &report.circuits {
        for (way, figures) in
            [("to Microsoft", to_microsoft as fn(&Connection) -> _), ("from Microsoft", from_microsoft)]
        {
            let any = connections.iter().any(|connection| figures(connection).0 > 0);
            for connection in connections.iter().filter(|_| any) {
                let (frames, octets, share) = figures(connection);
                table.add_row([connection.connection.clone(), way.into(), some(frames), some(octets), percent(share)]);
            }
        }
    }
    finish(out, &table);
}

/// What came to public hosts, by way, and what they sent.
fn services(out: &mut String, report: &NetworkFigures) {
    let mut table = table(&["Service", "class", "way", "frames", "octets"], 3);
    for service in &report.services {
        let ways = [
            ("over circuits", service.over_circuits_frames, service.over_circuits_octets),
            ("over the internet", service.over_internet_frames, service.over_internet_octets),
            ("from it", service.sent_frames, service.sent_octets),
        ];
        for (way, frames, octets) in ways.into_iter().filter(|(_, frames, _)| *frames > 0) {
            table.add_row([service.service.clone(), service.class.into(), way.into(), some(frames), some(octets)]);
        }
    }
    finish(out, &table);
}

/// Frames, octets and share in thousandths.
fn to_microsoft(connection: &Connection) -> (u64, u64, u64) {
    (connection.in_frames, connection.in_octets, connection.in_share_permille)
}

fn from_microsoft(connection: &Connection) -> (u64, u64, u64) {
    (connection.out_frames, connection.out_octets, connection.out_share_permille)
}

fn delivered(out: &mut String, report: &NetworkFigures) {
    if report.delivered.is_empty() {
        let _ = writeln!(out, "Nothing was delivered.\n");
        return;
    }
    let mut table = table(&["Delivered to", "frames", "octets", "least delay", "mean delay", "most delay"], 1);
    for host in &report.delivered {
        let (frames, octets) = (count(host.frames), count(host.octets));
        table.add_row([host.host.clone(), frames, octets, time(host.least_ps), time(host.mean_ps), time(host.most_ps)]);
    }
    finish(out, &table);
}

fn drops(out: &mut String, drops: &[Dropped]) {
    if drops.is_empty() {
        return;
    }
    let mut table = table(&["Dropped for", "frames"], 1);
    for dropped in drops {
        table.add_row([dropped.reason.clone(), count(dropped.frames)]);
    }
    finish(out, &table);
}

/// A table without lines: the first `names` columns to the left, figures to the right.
pub(super) fn table(header: &[&str], names: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if place >= names {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Writes the table, if it has any row.
fn finish(out: &mut String, table: &Table) {
    if table.row_iter().next().is_none() {
        return;
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out.push('\n');
}

fn reasons(drops: &[Dropped]) -> String {
    drops.iter().map(|d| format!("{} {}", count(d.frames), d.reason)).collect::<Vec<_>>().join(", ")
}

/// Bits and frames per second.
fn rate(rate: Rate) -> String {
    let frames = match (rate.millipps / 1000, rate.millipps % 1000) {
        (whole, 1..) if whole < 100 => format!("{whole}.{:02} ", rate.millipps % 1000 / 10),
        (whole, _) => si(whole),
    };
    format!("{}b/s, {frames}frames/s", si(rate.bps))
}

/// A time to the nanosecond, the rest cut off; what is shorter than a microsecond in full.
fn time(ps: u64) -> String {
    let shown = if ps < 1_000_000 { ps } else { ps / 1000 * 1000 };
    Span::from_ps(shown).to_string()
}

/// A count of things: `1 frame`, `2 frames`.
fn of(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A count, or a dash for none.
fn some(n: u64) -> String {
    if n == 0 { "-".into() } else { count(n) }
}

/// A count with a comma at each thousand.
fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Tenths of a percent.
fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

/// Three digits and a prefix, cut, not rounded: `4.76 M`.
fn si(n: u64) -> String {
    let (unit, scale) = match n {
        0..1_000 => return format!("{n} "),
        1_000..1_000_000 => ("k", 1_000),
        1_000_000..1_000_000_000 => ("M", 1_000_000),
        1_000_000_000..1_000_000_000_000 => ("G", 1_000_000_000),
        _ => ("T", 1_000_000_000_000),
    };
    let (whole, hundredths) = (n / scale, n % scale * 100 / scale);
    match whole {
        0..10 => format!("{whole}.{hundredths:02} {unit}"),
        10..100 => format!("{whole}.{} {unit}", hundredths / 10),
        _ => format!("{whole} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([7, 1_005, 47_600_000, 812_743_999_999].map(si), ["7 ", "1.00 k", "47.6 M", "812 G"]);
        assert_eq!([0, 5, 500, 1000].map(percent), ["0.0 %", "0.5 %", "50.0 %", "100.0 %"]);
    }
}
