//! Metrics as a text that Prometheus reads (text exposition format 0.0.4).
//!
//! A name is `biplane_`, Azure's name in snake case, and `_percent` where that is the unit: `BgpAvailability` is
//! `biplane_bgp_availability_percent`. Labels are the resource (`circuit`, `port_pair`, `gateway`) and Azure's dimensions
//! in snake case; their values are Azure's.

use super::metrics::{Definition, Metric, MetricsSpan, Unit};
use std::fmt::Write;

/// The text: each metric with its help, its type and its values.
pub fn prometheus_text(metrics: &[Metric], span: MetricsSpan) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Emulated: from {} ps to {} ps of the run, as one value for the whole span.",
        span.from_ps, span.to_ps
    );
    for definition in Definition::ALL {
        let mut values = metrics.iter().filter(|metric| metric.definition == *definition).peekable();
        if values.peek().is_none() {
            continue;
        }
        let name = name(definition);
        let _ = writeln!(out, "# HELP {name} {}", escaped(definition.help, false));
        let _ = writeln!(out, "# TYPE {name} gauge");
        for metric in values {
            let _ = writeln!(out, "{name}{{{}}} {}", labels(metric), metric.value);
        }
    }
    out
}

fn name(definition: &Definition) -> String {
    let unit = if definition.unit == Unit::Percent { "_percent" } else { "" };
    format!("biplane_{}{unit}", snake_case(definition.name))
}

fn labels(metric: &Metric) -> String {
    let resource = (metric.resource.kind.label().to_owned(), &metric.resource.name);
    let dimensions = metric.dimensions.iter().map(|(name, value)| (snake_case(name), value));
    let all = std::iter::once(resource).chain(dimensions);
    let written: Vec<_> = all.map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
    written.join(",")
}

/// `BgpPeerAddress` and `roleInstance` as `bgp_peer_address` and `role_instance`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn escaped(text: &str, quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::metrics::{Resource, ResourceType, Thousandths};

    #[test]
    fn what_a_label_may_not_hold_is_escaped() {
        let resource = Resource { kind: ResourceType::Circuit, name: "a \"b\" \\ \n c".into() };
        let dimensions = vec![("PeeredCircuitSKey", "d".to_owned())];
        let (definition, value) = (Definition::BGP_AVAILABILITY, Thousandths::whole(7));
        let text = prometheus_text(&[Metric { definition, resource, dimensions, value }], MetricsSpan::default());
        let expected =
            "biplane_bgp_availability_percent{circuit=\"a \\\"b\\\" \\\\ \\n c\",peered_circuit_s_key=\"d\"} 7";
        assert_eq!(text.lines().last(), Some(expected));
    }
}
