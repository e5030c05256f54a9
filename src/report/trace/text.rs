//! A trace as text for people: a paragraph for each node, a line for each thing that happened there.

use super::step::Way;
use super::{End, Entry, Headers, Journey, Out, SlowPath, Stage, Step, Trace};
use crate::time::Instant;
use std::fmt::{self, Display, Formatter};

/// Columns of what a line is about.
const KEY: usize = 11;
/// Columns of two values at the most that are written on one line.
const WIDTH: usize = 90;

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, journey) in self.frames.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            journey.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Journey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.number > 0 {
            write!(f, "frame {}: ", self.number)?;
        }
        write!(f, "{}", self.what)?;
        if let Some(first) = self.stages.first() {
            write!(f, ", {} octets", first.came.octets)?;
        }
        writeln!(f)?;
        let last = self.stages.len().saturating_sub(1);
        for (place, stage) in self.stages.iter().enumerate() {
            write!(f, "\n{stage}")?;
            if place == last {
                self.end_of_stage(f)?;
            }
        }
        self.end_outside(f)
    }
}

impl Journey {
    /// The end, where it came at the last node.
    fn end_of_stage(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Delivered { at_ps, .. } => {
                let sent = self.stages.first().map_or(0, |first| first.at_ps);
                let way = Instant::from_ps(*at_ps).since(Instant::from_ps(sent));
                line(f, "delivered", format_args!("{way} after it was {}", self.begun()))
            }
            End::Dropped { arrived: true, port, place, .. } => {
                let at = port.as_ref().filter(|_| *place == "egress").map(|port| format!("at {port}, "));
                self.drop_line(f, &at.unwrap_or_default())
            }
            End::Consumed { .. } if self.stages.last().is_some_and(|stage| stage.slow_path.is_none()) => {
                line(f, "taken", format_args!("by the router itself"))
            }
            _ => Ok(()),
        }
    }

    /// The end, where it came between nodes or has not come.
    fn end_outside(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Dropped { arrived: false, node, port, at_ps, .. } => {
                let by = port.as_ref().map(|port| format!(" by {port}")).unwrap_or_default();
                writeln!(f, "\nnever at {node}{by}, where it was due at {}", instant(*at_ps))?;
                self.drop_line(f, "")
            }
            End::InNetwork => writeln!(f, "\nstill under way at the end of the run"),
            _ => Ok(()),
        }
    }

    fn begun(&self) -> &'static str {
        if self.made_from.is_some() { "made" } else { "sent" }
    }

    fn drop_line(&self, f: &mut Formatter<'_>, at: &str) -> fmt::Result {
        let End::Dropped { reason, words, standard, .. } = &self.end else { return Ok(()) };
        let standard = standard.map(|standard| format!(" ({standard})")).unwrap_or_default();
        line(f, "drop", format_args!("{at}{reason}: {words}{standard}"))
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}, ", self.node, instant(self.at_ps))?;
        match &self.entry {
            Entry::Source => writeln!(f, "from its source ({})", carried(&self.came))?,
            Entry::Port { port } => writeln!(f, "in by {port} ({})", carried(&self.came))?,
            Entry::SlowPath => writeln!(f, "from its slow path ({})", carried(&self.came))?,
        }
        self.steps(f)?;
        let (came, left) = (&self.came, &self.left);
        change_of_number(f, "ttl", came.ttl, left.ttl)?;
        change_of_number(f, "dscp", came.dscp, left.dscp)?;
        change(f, "tags", came.tags_text(), left.tags_text())?;
        change(f, "labels", came.labels_text(), left.labels_text())?;
        change(f, "octets", came.octets.to_string(), left.octets.to_string())?;
        if let Some(slow_path) = &self.slow_path {
            slow_path.fmt(f)?;
        }
        self.out.iter().try_for_each(|out| line(f, "out", format_args!("{out}")))
    }
}

impl Stage {
    /// Lookups, each with the choice that follows it on the same line.
    fn steps(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut steps = self.steps.iter().peekable();
        while let Some(step) = steps.next() {
            let (key, mut words) = match step {
                Step::SubInterface { tags: 0, service: "route", reset_dscp: false, .. } => continue,
                Step::SubInterface { tags, service, vrf, reset_dscp } => {
                    ("service", service_text(&self.came, *tags, service, *vrf, *reset_dscp))
                }
                Step::Label { label, entry: Some(entry), model } => ("label", label_text(*label, entry, *model)),
                Step::Label { label, entry: None, .. } => ("label", format!("{label} is not in the label map")),
                Step::Route { vrf, prefix: Some(prefix), .. } => ("route", format!("{prefix} in vrf {vrf}")),
                Step::Route { vrf, destination, .. } => ("route", format!("none to {destination} in vrf {vrf}")),
                // Always behind one of the others.
                Step::NextHop { .. } => continue,
            };
            if let Some(Step::NextHop { chosen, of, flow_hash, to }) =
                steps.next_if(|next| matches!(next, Step::NextHop { .. }))
            {
                if *of > 1 {
                    let which = ordinal(*chosen);
                    words += &format!(", {of} equal next hops; flow hash {flow_hash:#010x} takes the {which}");
                }
                match to {
                    Way::Local => words += ", this router itself",
                    Way::Discard(reason) => words += &format!(", never forwarded ({reason})"),
                    Way::Translate(way) => words += &format!(", translated {way}"),
                    Way::Port(_) => {}
                }
            }
            line(f, key, format_args!("{words}"))?;
        }
        Ok(())
    }
}

impl Display for SlowPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let why = match (self.why, self.mtu) {
            ("local", _) => "it is for this router, which takes it".to_string(),
            ("ttl_expired", _) => "a TTL of 1 or 0 is not enough to go on".to_string(),
            ("mpls_ttl_expired", _) => "a label TTL of 1 or 0 is not enough to go on".to_string(),
            ("translate", _) => match &self.became {
                Some(became) => format!("its addresses are translated: {became}"),
                None => "its addresses are to be translated".to_string(),
            },
            (_, mtu) => format!("longer than the {} octets of IP that the next link takes", mtu.unwrap_or(0)),
        };
        let is_told = !self.made.is_empty() || matches!(self.why, "local" | "translate");
        let answer = if !is_told { "; its source is not told" } else { "" };
        line(f, "slow path", format_args!("{why}{answer}"))?;
        for made in &self.made {
            let at = instant(made.enters_ps);
            line(f, "", format_args!("frame {} enters at {at}: {}", made.number, made.what))?;
        }
        Ok(())
    }
}

impl Display for Out {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}, queue {}, ", self.port, self.queue)?;
        match (self.ahead_ps, self.start_ps) {
            (0, _) => f.write_str("starts at once")?,
            (_, Some(start)) => write!(f, "starts at {}", instant(start))?,
            (ahead, None) => write!(f, "waits behind {} of work", Instant::from_ps(ahead))?,
        }
        self.last_bit_ps.map_or(Ok(()), |last| write!(f, ", last bit {}", instant(last)))
    }
}

fn service_text(came: &Headers, tags: u8, service: &str, vrf: Option<u16>, reset_dscp: bool) -> String {
    let tags = match tags {
        0 => "untagged".to_string(),
        count => {
            let first: Vec<_> = came.tags.iter().take(count.into()).map(|tag| tag.vid.to_string()).collect();
            format!("vlan {}", first.join("."))
        }
    };
    let service = match (service, vrf) {
        ("route", vrf) => format!("routed in vrf {}", vrf.unwrap_or(0)),
        ("route_public", vrf) => format!("Microsoft peering, routed in vrf {}", vrf.unwrap_or(0)),
        ("cross_connect", _) => "cross-connect".into(),
        ("pseudowire_with_control_word", _) => "pseudowire with a control word".into(),
        (other, _) => other.to_string(),
    };
    let reset = if reset_dscp { ", DSCP reset" } else { "" };
    format!("{tags}: {service}{reset}")
}

fn label_text(label: u32, entry: &str, model: Option<&str>) -> String {
    match model {
        Some(model) => format!("{label}: {entry}, {} model", model.replace('_', "-")),
        None => format!("{label}: {entry}"),
    }
}

/// Tags and labels of a frame in short.
fn carried(headers: &Headers) -> String {
    match (headers.tags.is_empty(), headers.labels.is_empty()) {
        (true, true) => "untagged".into(),
        (false, true) => headers.tags_text(),
        (true, false) => format!("labels {}", headers.labels_text()),
        (false, false) => format!("{}, labels {}", headers.tags_text(), headers.labels_text()),
    }
}

fn change(f: &mut Formatter<'_>, key: &str, before: String, after: String) -> fmt::Result {
    if before == after {
        Ok(())
    } else if before.len() + after.len() > WIDTH {
        line(f, key, format_args!("{before}"))?;
        line(f, "", format_args!("-> {after}"))
    } else {
        line(f, key, format_args!("{before} -> {after}"))
    }
}

/// Where there is no number, before or after, something else has become visible: that is told by other lines.
fn change_of_number(f: &mut Formatter<'_>, key: &str, before: Option<u8>, after: Option<u8>) -> fmt::Result {
    match (before, after) {
        (Some(before), Some(after)) => change(f, key, before.to_string(), after.to_string()),
        _ => Ok(()),
    }
}

fn line(f: &mut Formatter<'_>, key: &str, words: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "  {key:KEY$}{words}")
}

fn instant(ps: u64) -> Instant {
    Instant::from_ps(ps)
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`.
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_end_as_people_write_them() {
        let texts = [1, 2, 3, 4, 11, 12, 13, 21, 101, 111].map(ordinal);
        assert_eq!(texts.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 101st 111th");
    }
}
