//! The replay report as text for a screen of 100 columns.

use super::replay::{CaptureFound, Dropped, PortFigures, Replay, SourceFigures};
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
    ports(&mut out, &report.ports);
    circuits(&mut out, report);
    delivered(&mut out, report);
    drops(&mut out, &report.dropped);
    let b = &report.balance;
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
    out
}

fn source_lines(out: &mut String, source: &SourceFigures) {
    let more = if source.flows_exceeded { " or more" } else { "" };
    let _ = writeln!(
        out,
        "Into {}: {} frames, {} octets, {}{more} flows",
        source.into,
        count(source.frames),
        count(source.octets),
        count(source.flows)
    );
    for capture in &source.captures {
        let _ = writeln!(out, "  from {}: {}", capture.file, found(capture));
    }
    let rate = |bps: Option<u64>| bps.map_or("at once".into(), |bps| format!("{}b/s", si(bps)));
    let _ = writeln!(
        out,
        "  requested {} ({}), achieved {} ({})",
        rate(source.requested_bps),
        Span::from_ps(source.requested_ps),
        rate(source.achieved_bps),
        Span::from_ps(source.achieved_ps)
    );
    let notes = [
        (source.not_ip, "not IP"),
        (source.unrouted, "to destinations that the scenario does not know"),
        (source.moved, "with addresses moved"),
        (source.padded, "cut by a snap length, padded with zeros to their length"),
        (source.skipped, "cut by a snap length, left out"),
        (source.too_long, "over 16 KiB, left out"),
        (source.elsewhere, "of another side or interface, left out"),
        (source.timestamp_regressions, "stamped before the frame before them: sent with it"),
        (source.unstamped, "without a time: sent with the frame before them"),
    ];
    for (frames, what) in notes.into_iter().filter(|(frames, _)| *frames > 0) {
        let _ = writeln!(out, "  {} {what}", count(frames));
    }
    if let Some(failed) = &source.failed {
        let _ = writeln!(out, "  stopped early: {failed}");
    }
    out.push('\n');
}

fn found(capture: &CaptureFound) -> String {
    let mut parts = vec![format!("{} records", count(capture.records))];
    let notes = [
        (capture.snapped, "cut by a snap length"),
        (capture.caplen_gt_len, "claiming more octets than the packet had"),
        (capture.subsecond_out_of_range, "with a sub-second part of a second or more"),
        (capture.fcs_removed, "with an FCS, taken off"),
    ];
    parts.extend(notes.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))));
    parts
        .extend(capture.refused.iter().map(|r| format!("{} not readable as Ethernet ({})", count(r.frames), r.reason)));
    parts.extend(capture.cut_short_at.map(|at| format!("file cut short inside the record at octet {}", count(at))));
    parts.join(", ")
}

fn ports(out: &mut String, ports: &[PortFigures]) {
    let mut table = table(&["Port", "in frames", "octets", "flows", "out frames", "octets", "flows", "dropped"]);
    for port in ports {
        let dropped: u64 = port.ingress_drops.iter().chain(&port.egress_drops).map(|d| d.frames).sum();
        if port.received_frames + port.sent_frames + dropped == 0 {
            continue;
        }
        let mut row = vec![port.port.clone()];
        let figures = [
            port.received_frames,
            port.received_octets,
            port.received_flows,
            port.sent_frames,
            port.sent_octets,
            port.sent_flows,
            dropped,
        ];
        row.extend(figures.map(|figure| if figure == 0 { "-".into() } else { count(figure) }));
        table.add_row(row);
    }
    finish(out, &table);
    for port in ports {
        for (way, drops) in [("in", &port.ingress_drops), ("out", &port.egress_drops)] {
            if !drops.is_empty() {
                let reasons: Vec<_> = drops.iter().map(|d| format!("{} {}", count(d.frames), d.reason)).collect();
                let _ = writeln!(out, "  dropped at {} ({way}): {}", port.port, reasons.join(", "));
            }
        }
    }
    let any = ports.iter().any(|port| !port.ingress_drops.is_empty() || !port.egress_drops.is_empty());
    if any {
        out.push('\n');
    }
}

fn circuits(out: &mut String, report: &Replay) {
    if report.circuits.is_empty() {
        return;
    }
    let header = ["Connection", "to Microsoft", "octets", "share", "from Microsoft", "octets", "share"];
    let mut table = table(&header);
    for connection in report.circuits.iter().flat_map(|circuit| &circuit.connections) {
        table.add_row([
            connection.connection.clone(),
            count(connection.in_frames),
            count(connection.in_octets),
            percent(connection.in_share_permille),
            count(connection.out_frames),
            count(connection.out_octets),
            percent(connection.out_share_permille),
        ]);
    }
    finish(out, &table);
}

fn delivered(out: &mut String, report: &Replay) {
    if report.delivered.is_empty() {
        let _ = writeln!(out, "Nothing was delivered.\n");
        return;
    }
    let mut table = table(&["Delivered to", "frames", "octets", "least", "mean", "most"]);
    for host in &report.delivered {
        let time = |ps| Span::from_ps(ps).to_string();
        let (frames, octets) = (count(host.frames), count(host.octets));
        table.add_row([host.host.clone(), frames, octets, time(host.least_ps), time(host.mean_ps), time(host.most_ps)]);
    }
    finish(out, &table);
}

fn drops(out: &mut String, drops: &[Dropped]) {
    if drops.is_empty() {
        return;
    }
    let mut table = table(&["Dropped for", "frames"]);
    for dropped in drops {
        table.add_row([dropped.reason.clone(), count(dropped.frames)]);
    }
    finish(out, &table);
}

/// A table without lines: names to the left, figures to the right.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if place > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn finish(out: &mut String, table: &Table) {
    for line in table.to_string().lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out.push('\n');
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
