//! How many objects to ask for in the next page. Pure.

use kbackup_core::cluster::PageSize;

/// Objects in the first page of a type whose objects may be of any size: 500 objects of 1 MiB, the largest that there
/// are, are as much as a server should be asked for at once; and most types have fewer than 500 objects.
const FIRST_PAGE_OBJECTS: usize = 500;

/// A page is at most so many times the one before: objects of one size often stand together (by namespace), and
/// then come others.
const GROWTH_MAX: usize = 10;

/// Learns the size of pages from those that came.
#[derive(Debug, Clone)]
pub(crate) struct Sizing {
    page: PageSize,
    next: usize,
}

impl Sizing {
    /// The first page is to have at most `first_max` objects.
    pub(crate) fn new(page: PageSize, first_max: usize) -> Self {
        Self { page, next: page.objects_max.min(first_max).clamp(1, FIRST_PAGE_OBJECTS) }
    }

    /// How many objects to ask for.
    pub(crate) fn limit(&self) -> usize {
        self.next
    }

    /// A page of so many objects and bytes has come.
    pub(crate) fn learn(&mut self, objects: usize, bytes: u64) {
        let object_bytes = bytes.div_ceil(objects.max(1) as u64).max(1);
        let fitting = self.page.bytes_target as u64 / object_bytes;
        let grown = self.next.saturating_mul(GROWTH_MAX).min(self.page.objects_max);
        self.next = usize::try_from(fitting).unwrap_or(usize::MAX).clamp(1, grown.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits of successive pages of objects of the given sizes.
    fn limits(objects_max: usize, bytes_target: usize, object_bytes: &[u64]) -> Vec<usize> {
        let mut sizing = Sizing::new(PageSize { objects_max, bytes_target }, usize::MAX);
        let mut limits = vec![sizing.limit()];
        for bytes in object_bytes {
            sizing.learn(sizing.limit(), *bytes * sizing.limit() as u64);
            limits.push(sizing.limit());
        }
        limits
    }

    #[test]
    fn pages_follow_the_weight_of_objects() {
        let check = |objects_max, bytes_target, objects: &[u64], expect: &[usize]| {
            assert_eq!(limits(objects_max, bytes_target, objects), expect);
        };
        check(5_000, 16 << 20, &[1 << 10, 1 << 10], &[500, 5_000, 5_000]);
        check(5_000, 16 << 20, &[900 << 10, 900 << 10], &[500, 18, 18]);
        check(5_000, 16 << 20, &[32 << 20, 1 << 10, 1 << 10], &[500, 1, 10, 100]);
        check(100, 16 << 20, &[1 << 10], &[100, 100]);
        check(0, 16 << 20, &[1 << 10], &[1, 1]);
    }

    #[test]
    fn an_empty_page_teaches_no_nonsense() {
        // The first page was to have 50.
        let mut sizing = Sizing::new(PageSize { objects_max: 5_000, bytes_target: 16 << 20 }, 50);
        sizing.learn(0, 100);
        assert_eq!(sizing.limit(), 500);
    }
}
