//! A network drawn as text that other tools lay out: Mermaid or Graphviz.

use crate::engine::{LinkSpec, Network, Role};

/// The language of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// A Mermaid flowchart.
    Mermaid,
    /// A Graphviz digraph.
    Dot,
}

/// `network` as a drawing: hosts round, routers square, links with their ports, speed and delay. A link that goes one
/// way only is an arrow.
pub fn graph(network: &Network, format: GraphFormat) -> String {
    let mut out = match format {
        GraphFormat::Mermaid => "graph LR\n".to_owned(),
        GraphFormat::Dot => "digraph network {\n  rankdir=LR;\n".to_owned(),
    };
    for (place, node) in network.nodes.iter().enumerate() {
        let is_host = matches!(node.role, Role::Host);
        out.push_str(&match (format, is_host) {
            (GraphFormat::Mermaid, true) => format!("  n{place}([\"{}\"])\n", node.name),
            (GraphFormat::Mermaid, false) => format!("  n{place}[\"{}\"]\n", node.name),
            (GraphFormat::Dot, true) => format!("  n{place} [label=\"{}\" shape=oval];\n", node.name),
            (GraphFormat::Dot, false) => format!("  n{place} [label=\"{}\" shape=box];\n", node.name),
        });
    }
    for (place, link) in network.links.iter().enumerate() {
        let reverse = |other: &LinkSpec| other.from == link.to && other.to == link.from;
        if network.links[..place].iter().any(reverse) {
            continue;
        }
        let both_ways = network.links[place..].iter().any(reverse);
        out.push_str(&edge(network, link, both_ways, format));
    }
    if format == GraphFormat::Dot {
        out.push_str("}\n");
    }
    out
}

fn edge(network: &Network, link: &LinkSpec, both_ways: bool, format: GraphFormat) -> String {
    let (from, to) = (network.port(link.from), network.port(link.to));
    let mut label = format!("{} - {}, {}G, {}", from.name, to.name, from.speed.gbps(), link.delay);
    if !from.admin_up || !to.admin_up {
        label.push_str(", disabled");
    }
    let (a, b) = (link.from.0, link.to.0);
    match (format, both_ways) {
        (GraphFormat::Mermaid, true) => format!("  n{a} ---|\"{label}\"| n{b}\n"),
        (GraphFormat::Mermaid, false) => format!("  n{a} -->|\"{label}\"| n{b}\n"),
        (GraphFormat::Dot, true) => format!("  n{a} -> n{b} [label=\"{label}\" dir=both];\n"),
        (GraphFormat::Dot, false) => format!("  n{a} -> n{b} [label=\"{label}\"];\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{CompileOptions, Scenario, compile};

    fn drawn(preset: &str, format: GraphFormat) -> String {
        let scenario = Scenario::load(preset).unwrap();
        graph(&compile(&scenario, CompileOptions::default()).unwrap().network, format)
    }

    #[test]
    fn a_router_and_its_taps_are_drawn() {
        let mermaid = "graph LR\n  n0[\"lsr\"]\n  n1([\"lsr-a\"])\n  n2([\"lsr-b\"])\n  \
                       n0 ---|\"a - lsr, 100G, 1 us\"| n1\n  n0 ---|\"b - lsr, 100G, 1 us\"| n2\n";
        assert_eq!(drawn("lsr", GraphFormat::Mermaid), mermaid);
        let dot = "digraph network {\n  rankdir=LR;\n  n0 [label=\"lsr\" shape=box];\n  n1 [label=\"lsr-a\" shape=oval];\n  \
                   n2 [label=\"lsr-b\" shape=oval];\n  n0 -> n1 [label=\"a - lsr, 100G, 1 us\" dir=both];\n  \
                   n0 -> n2 [label=\"b - lsr, 100G, 1 us\" dir=both];\n}\n";
        assert_eq!(drawn("lsr", GraphFormat::Dot), dot);
    }

    #[test]
    fn each_link_is_drawn_once_and_one_way_links_are_arrows() {
        let direct = drawn("direct", GraphFormat::Mermaid);
        assert_eq!((direct.matches(" ---|").count(), direct.matches(" -->|").count()), (5, 3), "{direct}");
        assert!(direct.contains("|\"london.primary - ce, 100G, 1 ms\"|"), "{direct}");
    }
}
