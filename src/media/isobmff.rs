//! ISO base media file format boxes (ISO/IEC 14496-12, 4.2): a bounded reader and a writer.
//!
//! A box is `size: u32, type: [u8; 4]`, then its payload; `size == 1` puts a 64-bit size after the type, `size == 0`
//! means "to the end". [`Reader::sub`] hands out a reader that cannot leave its box, so a wrong size is an error of
//! the box that has it and nowhere else. Nothing here panics on any bytes.

use crate::base::error::Result;
use crate::media::malformed;

/// A four-character code.
pub type FourCc = [u8; 4];

/// Reads big-endian values from a slice and says at which offset of the whole it failed.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: u64,
}

/// A box as found: its type, the offset of its first byte, and a reader over its payload.
#[derive(Clone, Copy, Debug)]
pub struct BoxAt<'a> {
    pub kind: FourCc,
    pub offset: u64,
    pub payload: Reader<'a>,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, offset: 0 }
    }

    /// The same, for bytes that begin at `offset` of a file.
    pub fn at(bytes: &'a [u8], offset: u64) -> Reader<'a> {
        Reader { bytes, offset }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Where the next byte stands in the whole.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next `len` bytes as a reader of their own.
    pub fn sub(&mut self, len: usize) -> Result<Reader<'a>> {
        let offset = self.offset;
        Ok(Reader { bytes: self.take(len)?, offset })
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((head, tail)) = self.bytes.split_at_checked(len) else {
            return Err(malformed(format!(
                "{len} bytes expected at offset {}, {} are there.",
                self.offset,
                self.len()
            )));
        };
        self.bytes = tail;
        self.offset += len as u64;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn fourcc(&mut self) -> Result<FourCc> {
        self.array()
    }

    /// Version and flags of a full box.
    pub fn version_and_flags(&mut self) -> Result<(u8, u32)> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// The next box, or `None` at the end.
    pub fn next_box(&mut self) -> Result<Option<BoxAt<'a>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let offset = self.offset;
        let before = self.len();
        let header = BoxHeader::read(self)?;
        let header_len = (before - self.len()) as u64;
        let payload_len = match header.size {
            BoxSize::ToEnd => self.len(),
            BoxSize::Bytes(size) => usize::try_from(size - header_len).unwrap_or(usize::MAX),
        };
        let payload = self.sub(payload_len).map_err(|_| {
            malformed(format!("The {} box at offset {offset} runs past its parent.", text(header.kind)))
        })?;
        Ok(Some(BoxAt { kind: header.kind, offset, payload }))
    }

    /// The first box of type `kind` from here on.
    pub fn find_box(mut self, kind: &FourCc) -> Result<Option<BoxAt<'a>>> {
        while let Some(found) = self.next_box()? {
            if &found.kind == kind {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The payload of the first box of type `kind` from here on.
    pub fn find(self, kind: &FourCc) -> Result<Option<Reader<'a>>> {
        Ok(self.find_box(kind)?.map(|found| found.payload))
    }

    /// The payload behind a path of types, each inside the one before; the first of each type is followed.
    pub fn path(self, kinds: &[&FourCc]) -> Result<Reader<'a>> {
        let mut reader = self;
        for kind in kinds {
            reader = reader
                .find(kind)?
                .ok_or_else(|| malformed(format!("No {} box (of {}).", text(**kind), path_text(kinds))))?;
        }
        Ok(reader)
    }
}

/// How long a box says it is, header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxSize {
    Bytes(u64),
    ToEnd,
}

/// The first 8 or 16 bytes of a box.
#[derive(Clone, Copy, Debug)]
pub struct BoxHeader {
    pub kind: FourCc,
    pub size: BoxSize,
    pub header_bytes: u64,
}

impl BoxHeader {
    pub fn read(reader: &mut Reader<'_>) -> Result<BoxHeader> {
        let offset = reader.offset;
        let short = reader.u32()?;
        let kind = reader.fourcc()?;
        let (size, header_bytes) = match short {
            0 => (BoxSize::ToEnd, 8),
            1 => (BoxSize::Bytes(reader.u64()?), 16),
            size => (BoxSize::Bytes(u64::from(size)), 8),
        };
        if matches!(size, BoxSize::Bytes(bytes) if bytes < header_bytes) {
            return Err(malformed(format!("The {} box at offset {offset} is smaller than its header.", text(kind))));
        }
        Ok(BoxHeader { kind, size, header_bytes })
    }
}

/// Writes boxes; the size of each is set when its closure has run.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A box with what `write` puts into it.
    pub fn nest(&mut self, kind: &FourCc, write: impl FnOnce(&mut Writer)) {
        let start = self.bytes.len();
        self.u32(0);
        self.raw(kind);
        write(self);
        let size = (self.bytes.len() - start) as u32;
        self.patch_u32(start, size);
    }

    /// A full box.
    pub fn full(&mut self, kind: &FourCc, version: u8, flags: u32, write: impl FnOnce(&mut Writer)) {
        self.nest(kind, |writer| {
            writer.u32(u32::from(version) << 24 | flags);
            write(writer);
        });
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_be_bytes());
    }

    /// Overwrites four bytes that were written before.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}

/// A type as text, for messages.
pub fn text(kind: FourCc) -> String {
    kind.iter().map(|&byte| if byte.is_ascii_graphic() { byte as char } else { '.' }).collect()
}

fn path_text(kinds: &[&FourCc]) -> String {
    kinds.iter().map(|kind| text(**kind)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_found_by_its_path() {
        let mut writer = Writer::new();
        writer.nest(b"moov", |moov| {
            moov.full(b"mvhd", 1, 5, |mvhd| mvhd.u16(7));
            moov.nest(b"trak", |trak| trak.nest(b"mdia", |mdia| mdia.raw(b"hello")));
        });
        let bytes = writer.into_bytes();
        let reader = Reader::new(&bytes);
        assert_eq!(reader.path(&[b"moov", b"trak", b"mdia"]).unwrap().rest(), b"hello");
        let mut mvhd = reader.path(&[b"moov", b"mvhd"]).unwrap();
        assert_eq!(mvhd.version_and_flags().unwrap(), (1, 5));
        assert_eq!(mvhd.u16().unwrap(), 7);
        assert_eq!(reader.path(&[b"moov", b"udta"]).unwrap_err().message(), "No udta box (of moov/udta).");
    }

    #[test]
    fn a_box_cannot_leave_its_parent() {
        let mut reader = Reader::new(&[0, 0, 0, 9, b'f', b'r', b'e', b'e']);
        assert_eq!(reader.next_box().unwrap_err().message(), "The free box at offset 0 runs past its parent.");
        let mut small = Reader::new(&[0, 0, 0, 7, b'f', b'r', b'e', b'e']);
        assert!(small.next_box().unwrap_err().message().contains("smaller than its header"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while let Ok(Some(found)) = reader.next_box() {
                let _ = found.payload.path(&[b"trak", b"mdia"]);
            }
        }
    }
}
