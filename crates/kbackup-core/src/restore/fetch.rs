//! Streams the objects of chosen steps out of the backup, several parts at once, a few objects in memory.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};

use super::plan::Source;
use crate::format::{Access, FormatError, Manifest, ObjectCut, PartReader};
use crate::limits::Limits;

type Fetched = Result<(usize, Bytes), FormatError>;

/// The JSON of each source, with the number that it was given; digests are checked. In no particular order.
pub(super) fn fetch<'a>(
    access: Access<'a>,
    manifest: &'a Manifest,
    sources: impl IntoIterator<Item = (usize, &'a Source)>,
    limits: &'a Limits,
) -> impl Stream<Item = Fetched> + Send + 'a {
    let mut parts: BTreeMap<u32, Vec<(usize, ObjectCut)>> = BTreeMap::new();
    for (number, source) in sources {
        let cut = ObjectCut { off: source.off, len: source.len, sha256: source.sha256.clone() };
        parts.entry(source.part).or_default().push((number, cut));
    }
    let parts = stream::iter(parts).map(move |(part, cuts)| part_stream(access, manifest, part, cuts, limits));
    parts.flatten_unordered(limits.fetches_max.max(1))
}

fn part_stream<'a>(
    access: Access<'a>,
    manifest: &'a Manifest,
    part: u32,
    mut cuts: Vec<(usize, ObjectCut)>,
    limits: &'a Limits,
) -> BoxStream<'a, Fetched> {
    cuts.sort_by_key(|(_, cut)| cut.off);
    let (numbers, cuts): (Vec<usize>, Vec<ObjectCut>) = cuts.into_iter().unzip();
    let open = async move {
        let missing = || FormatError::damaged(&manifest.name, format!("the manifest has no part {part}"));
        let record = manifest.part(part).ok_or_else(missing)?;
        PartReader::open(access, manifest, record, cuts, limits).await.map(|reader| objects(reader, numbers))
    };
    stream::once(open).try_flatten().boxed()
}

fn objects(reader: PartReader<'_>, numbers: Vec<usize>) -> impl Stream<Item = Fetched> + Send {
    stream::try_unfold((reader, numbers.into_iter()), |(mut reader, mut numbers)| async move {
        let next = reader.next().await?.zip(numbers.next());
        Ok(next.map(|(bytes, number)| ((number, bytes), (reader, numbers))))
    })
}
