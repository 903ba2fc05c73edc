//! How a namespaced type is listed: once over the whole cluster, or once in each chosen namespace.

/// Up to this many namespaces are always listed one by one: a few small lists are cheap whatever the cluster holds.
const FEW: usize = 8;
/// Beyond this many, the requests alone (types × namespaces) cost more than reading what is then left out.
const MANY: usize = 64;

/// Whether to ask namespace by namespace where `chosen` of `all` namespaces are wanted.
///
/// One list of the whole cluster is one request a type, but reads what nobody wants; a list a namespace reads only what
/// is wanted, but its number grows with types × namespaces: 20 namespaces of 80 types are 1,600 requests.
pub(super) fn list_each_namespace(chosen: usize, all: usize) -> bool {
    chosen < all && (chosen <= FEW || (chosen <= MANY && chosen * 4 <= all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_namespaces_are_listed_one_by_one() {
        for (chosen, all, expect) in [
            (0, 0, false),
            (0, 5, true),
            (1, 1, false),
            (1, 2, true),
            (8, 9, true),
            (9, 10, false),
            (9, 36, true),
            (64, 256, true),
            (64, 255, false),
            (65, 10_000, false),
            (300, 300, false),
        ] {
            assert_eq!(list_each_namespace(chosen, all), expect, "{chosen} of {all}");
        }
    }
}
