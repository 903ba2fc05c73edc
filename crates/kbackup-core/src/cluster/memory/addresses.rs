//! The cluster IPs and node ports that Services have, and which are free.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::tree;
use crate::model::Object;

/// What is in use.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    ips: BTreeSet<Ipv4Addr>,
    ports: BTreeSet<u16>,
}

/// The range of cluster IPs: 10.96.0.0/12, without its own address and its broadcast address.
const IPS: std::ops::RangeInclusive<u32> = 0x0a60_0001..=0x0a6f_fffe;
/// The range of node ports.
const PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

impl Addresses {
    /// Whether an address lies in the range of cluster IPs.
    pub(super) fn in_range(ip: Ipv4Addr) -> bool {
        IPS.contains(&ip.to_bits())
    }

    /// Whether a port lies in the range of node ports.
    pub(super) fn port_in_range(port: u16) -> bool {
        PORTS.contains(&port)
    }

    pub(super) fn is_taken(&self, ip: Ipv4Addr) -> bool {
        self.ips.contains(&ip)
    }

    pub(super) fn is_port_taken(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// A free address; `seed` decides where the search begins. `None` where all are taken.
    pub(super) fn free_ip(&self, seed: u64) -> Option<Ipv4Addr> {
        let first = nth(seed, *IPS.start(), *IPS.end());
        let all = (first..=*IPS.end()).chain(*IPS.start()..first).map(Ipv4Addr::from_bits);
        all.into_iter().find(|ip| !self.is_taken(*ip))
    }

    /// A free node port that is not in `but`; `seed` decides where the search begins.
    pub(super) fn free_port(&self, seed: u64, but: &BTreeSet<u16>) -> Option<u16> {
        let first =
            u16::try_from(nth(seed, u32::from(*PORTS.start()), u32::from(*PORTS.end()))).unwrap_or(*PORTS.start());
        let all = (first..=*PORTS.end()).chain(*PORTS.start()..first);
        all.into_iter().find(|port| !self.is_port_taken(*port) && !but.contains(port))
    }

    /// Takes what a Service's new state has and gives back what its old state had.
    pub(super) fn follow(&mut self, old: Option<&Object>, new: Option<&Object>) {
        if let Some(old) = old.map(Object::to_value) {
            cluster_ips(&old).iter().for_each(|ip| _ = self.ips.remove(ip));
            node_ports(&old).iter().for_each(|port| _ = self.ports.remove(port));
        }
        if let Some(new) = new.map(Object::to_value) {
            self.ips.extend(cluster_ips(&new));
            self.ports.extend(node_ports(&new));
        }
    }
}

/// The IPv4 addresses of a Service; a headless one has none.
pub(super) fn cluster_ips(service: &Value) -> BTreeSet<Ipv4Addr> {
    let first = tree::at(service, &["spec", "clusterIP"]).into_iter();
    let all = first.chain(tree::list(service, &["spec", "clusterIPs"]));
    all.filter_map(|ip| ip.as_str()?.parse().ok()).collect()
}

/// The node ports of a Service.
pub(super) fn node_ports(service: &Value) -> BTreeSet<u16> {
    let of_ports = tree::list(service, &["spec", "ports"]).iter().filter_map(|port| port.get("nodePort"));
    let all = of_ports.chain(tree::at(service, &["spec", "healthCheckNodePort"]));
    all.filter_map(|port| u16::try_from(port.as_u64()?).ok()).filter(|port| *port != 0).collect()
}

fn nth(seed: u64, first: u32, last: u32) -> u32 {
    let count = u64::from(last - first) + 1;
    first + u32::try_from(seed % count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_not_given_again() {
        let mut addresses = Addresses::default();
        let first = addresses.free_ip(7).expect("all are free");
        addresses.ips.insert(first);
        assert_ne!(addresses.free_ip(7), Some(first));
        addresses.ports.extend(PORTS);
        assert_eq!(addresses.free_port(1, &BTreeSet::new()), None);
        addresses.ports.remove(&30_001);
        assert_eq!(addresses.free_port(99, &BTreeSet::new()), Some(30_001));
        assert_eq!(addresses.free_port(99, &[30_001].into()), None);
    }
}
