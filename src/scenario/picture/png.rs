//! In PNG: an `iTXt` chunk right after the header, where readers that stop early still find it.

use super::{KEY, MAX_DOCUMENT, PictureError};
use ::png::text_metadata::{EncodableTextChunk as _, ITXtChunk};
use ::png::{DecodeOptions, Decoded, StreamingDecoder, chunk};
use flate2::read::ZlibDecoder;
use std::io::Read as _;

/// How every PNG begins, up to where careless copying changes it: what follows is there to show that.
const SIGNATURE: &[u8] = b"\x89PNG";

/// Signature and header: 8 bytes, and a chunk of 13 with its length, type and checksum.
const HEADER: usize = 8 + 12 + 13;

pub(super) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

pub(super) fn embed(picture: &[u8], document: &str) -> Result<Vec<u8>, PictureError> {
    if extract(picture)?.is_some() {
        return Err(PictureError::Twice);
    }
    let mut chunk = ITXtChunk::new(KEY, document);
    chunk.compressed = true;
    let mut embedded = picture[..HEADER].to_vec();
    chunk.encode(&mut embedded).map_err(|error| PictureError::Unreadable(error.to_string()))?;
    embedded.extend_from_slice(&picture[HEADER..]);
    Ok(embedded)
}

/// The text of the chunk. All chunks are read and their checksums compared, but no pixel is decoded, and nothing is kept
/// but ours.
pub(super) fn extract(picture: &[u8]) -> Result<Option<String>, PictureError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = StreamingDecoder::new_with_options(options);
    let (mut at, mut last) = (0, None);
    let mut found = None;
    loop {
        let Ok((consumed, decoded)) = decoder.update(&picture[at..], None) else {
            // The decoder's own words are for who writes one.
            return Err(PictureError::Damaged(match last {
                None => "its beginning is not that of a PNG".to_owned(),
                Some((kind, begin)) => format!("it fails the checks of PNG in or after chunk `{kind}` at byte {begin}"),
            }));
        };
        at += consumed;
        if let Decoded::ChunkBegin(_, kind) = decoded {
            last = Some((kind.0.escape_ascii().to_string(), at - 8));
        }
        match decoded {
            Decoded::Nothing => return Err(PictureError::CutOff),
            Decoded::ChunkComplete(chunk::IEND) => break,
            Decoded::ChunkBegin(length, chunk::iTXt) => {
                // A length beyond the end is found out when the decoder gets there.
                let Some(body) = picture.get(at..at.saturating_add(length as usize)) else { continue };
                let Some(text) = body.strip_prefix(KEY.as_bytes()).and_then(|body| body.strip_prefix(b"\0")) else {
                    continue;
                };
                if found.replace(text).is_some() {
                    return Err(PictureError::Twice);
                }
            }
            _ => {}
        }
    }
    found.map(text).transpose()
}

/// The text of an `iTXt` chunk behind its key: whether it is compressed, and how; a language; the key in that language.
fn text(body: &[u8]) -> Result<String, PictureError> {
    let unreadable = |what: &str| PictureError::Unreadable(what.to_owned());
    let mut parts = body.get(2..).unwrap_or_default().splitn(3, |byte| *byte == 0);
    let (Some(_language), Some(_key), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(unreadable("its chunk is too short"));
    };
    let mut bytes = Vec::new();
    match body[..2] {
        [0, _] => bytes.extend_from_slice(text),
        // One byte more than is allowed tells too many from just enough.
        [1, 0] => ZlibDecoder::new(text)
            .take(MAX_DOCUMENT as u64 + 1)
            .read_to_end(&mut bytes)
            .map(drop)
            .map_err(|_| unreadable("it cannot be decompressed"))?,
        _ => return Err(unreadable("it is compressed in an unknown way")),
    }
    if bytes.len() > MAX_DOCUMENT {
        return Err(PictureError::TooLong);
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8"))
}
