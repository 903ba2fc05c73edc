//! The encoding itself (<https://protobuf.dev/programming-guides/encoding/>).

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A whole number, or a truth.
    Varint(u64),
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
    /// A floating-point number, as bits.
    Fixed64(u64),
}

/// The fields of a message, in their order.
#[derive(Debug, Clone)]
pub(super) struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next field's number and what stands in it; `None` at the end.
    ///
    /// # Errors
    /// Where the bytes end within a field, or are none.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Item<'a>)>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| broken())?;
        let item = match tag & 7 {
            0 => Item::Varint(self.varint()?),
            1 => Item::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| broken())?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| broken())?;
                Item::Bytes(self.take(length)?)
            }
            5 => Item::Bytes(self.take(4)?),
            _ => return Err(broken()),
        };
        Ok(Some((number, item)))
    }

    /// What stands in the last field of this number.
    ///
    /// # Errors
    /// As [`Items::next`].
    pub(super) fn last(mut self, number: u32) -> Result<Option<Item<'a>>, String> {
        let mut found = None;
        while let Some((other, item)) = self.next()? {
            if other == number {
                found = Some(item);
            }
        }
        Ok(found)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(broken())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(broken)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Item<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], String> {
        if let Item::Bytes(bytes) = self { Ok(bytes) } else { Err(broken()) }
    }

    pub(super) fn text(self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text is not UTF-8".to_owned())
    }

    pub(super) fn number(self) -> Result<u64, String> {
        if let Item::Varint(number) = self { Ok(number) } else { Err(broken()) }
    }
}

fn broken() -> String {
    "it ends within a field, or is no protobuf".to_owned()
}
