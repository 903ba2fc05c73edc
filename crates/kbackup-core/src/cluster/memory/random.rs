//! Uids and generated names from a seed: two runs with the same seed make the same ones.

/// A small generator of numbers that look random (SplitMix64). Nothing secret depends on it.
#[derive(Debug)]
pub(super) struct Random(u64);

/// What the suffix of a generated name is made of, as in a real server: no vowels, so no words.
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LEN: usize = 5;

impl Random {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn uid(&mut self) -> String {
        let bytes = (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// The suffix that a server puts after `generateName`.
    pub(super) fn suffix(&mut self) -> String {
        let count = SUFFIX_LETTERS.len() as u64;
        let letter = |number: u64| usize::try_from(number % count).map_or('x', |at| char::from(SUFFIX_LETTERS[at]));
        (0..SUFFIX_LEN).map(|_| letter(self.next())).collect()
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
