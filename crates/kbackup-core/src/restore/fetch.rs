//! Streams the objects of chosen steps out of the backup, several parts at once, a few objects in memory.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};

use super::plan::Source;
use crate::format::{Access, FormatError, Manifest, ObjectCut, PartReader};
use crate::limits::Limits;

/// The JSON of an object with the number that its source was given.
pub(super) type Fetched = Result<(usize, Bytes), Lost>;

/// What could not be read: the rest of a part.
#[derive(Debug)]
pub(super) struct Lost {
    /// The numbers of the objects in it.
    pub(super) numbers: Vec<usize>,
    pub(super) error: FormatError,
}

/// The JSON of each source, with the number that it was given; digests are checked. In no particular order. Of a part that
/// can't be read to its end, the last item is what is lost with it.
pub(super) fn fetch<'a>(
    access: Access<'a>,
    manifest: &'a Manifest,
    sources: impl IntoIterator<Item = (usize, &'a Source)>,
    limits: &'a Limits,
) -> BoxStream<'a, Fetched> {
    let mut parts: BTreeMap<u32, Vec<(usize, ObjectCut)>> = BTreeMap::new();
    for (number, source) in sources {
        let cut = ObjectCut { off: source.off, len: source.len, sha256: source.sha256.clone() };
        parts.entry(source.part).or_default().push((number, cut));
    }
    let parts = stream::iter(parts).map(move |(part, cuts)| part_stream(access, manifest, part, cuts, limits));
    parts.flatten_unordered(limits.fetches_max.max(1)).boxed()
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
        let record = match manifest.part(part) {
            Some(record) => record,
            None => return lost(numbers, missing()).boxed(),
        };
        match PartReader::open(access, manifest, record, cuts, limits).await {
            Ok(reader) => objects(reader, numbers).boxed(),
            Err(error) => lost(numbers, error).boxed(),
        }
    };
    stream::once(open).flatten().boxed()
}

fn lost<'a>(numbers: Vec<usize>, error: FormatError) -> impl Stream<Item = Fetched> + Send + 'a {
    stream::once(std::future::ready(Err(Lost { numbers, error })))
}

fn objects(reader: PartReader<'_>, numbers: Vec<usize>) -> impl Stream<Item = Fetched> + Send {
    let state = Some((reader, numbers.into_iter()));
    stream::unfold(state, |state| async move {
        let (mut reader, mut numbers) = state?;
        match reader.next().await {
            Ok(Some(bytes)) => numbers.next().map(|number| (Ok((number, bytes)), Some((reader, numbers)))),
            Ok(None) => None,
            Err(error) => Some((Err(Lost { numbers: numbers.collect(), error }), None)),
        }
    })
}
