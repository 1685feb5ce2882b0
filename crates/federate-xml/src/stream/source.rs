//! The window: octets of the document that are in memory.

use super::{StreamError, StreamLimits};
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::parse::window::LARGEST;
use federate_crypto::{Digest, DigestContext};
use std::io::{ErrorKind, Read};

pub(super) struct Source<R> {
    input: R,
    buffer: Vec<u8>,
    /// Where the window begins and ends in the buffer.
    start: usize,
    end: usize,
    /// Octets that the window is to have, and those that it has unless a part needs more.
    target: usize,
    window: usize,
    /// Octets before the window.
    before: u64,
    /// Octets that were read.
    read: u64,
    largest: usize,
    allowed: u64,
    ended: bool,
    digest: Option<Box<dyn DigestContext>>,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R, limits: &StreamLimits) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            target: limits.window,
            window: limits.window,
            before: 0,
            read: 0,
            largest: limits.part.bytes.min(i32::MAX as usize),
            allowed: limits.bytes,
            ended: false,
            digest: None,
        }
    }

    /// Takes every octet into a digest.
    pub(super) fn digest(&mut self, digest: Box<dyn DigestContext>) {
        self.digest = Some(digest);
    }

    pub(super) fn finish_digest(&mut self) -> Option<Digest> {
        self.digest.take().map(DigestContext::finish)
    }

    /// The text of the window, and whether nothing comes after it. It is filled however small the
    /// pieces are in which the input comes, so that they make no difference.
    pub(super) fn window(&mut self) -> Result<(&str, bool), StreamError> {
        self.fill()?;
        let octets = self.buffer.get(self.start..self.end).unwrap_or_default();
        let text = match simdutf8::compat::from_utf8(octets) {
            Ok(text) => text,
            // A character may end in the next window.
            Err(error) if error.error_len().is_none() && !self.ended => {
                let octets = octets.get(..error.valid_up_to()).unwrap_or_default();
                simdutf8::compat::from_utf8(octets).unwrap_or_default()
            }
            Err(error) => {
                let at = usize::try_from(self.before).unwrap_or(usize::MAX);
                let at = at.saturating_add(error.valid_up_to());
                return Err(ParseError::new(at, Kind::InvalidUtf8).into());
            }
        };
        Ok((text, self.ended))
    }

    pub(super) fn consume(&mut self, octets: usize) {
        self.start = (self.start + octets).min(self.end);
        self.before += octets as u64;
        if octets > 0 {
            self.target = self.window;
        }
    }

    /// Makes the window larger: nothing in it was whole.
    pub(super) fn grow(&mut self) -> Result<(), StreamError> {
        if self.end - self.start > self.largest {
            let at = usize::try_from(self.before).unwrap_or(usize::MAX);
            return Err(exceeded(at, LARGEST, self.largest));
        }
        let most = self.largest.max(self.window).saturating_add(4);
        self.target = self.target.saturating_mul(2).clamp(16, most.max(16));
        Ok(())
    }

    fn fill(&mut self) -> Result<(), StreamError> {
        if self.end - self.start >= self.target || self.ended {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() != self.target.max(self.end) {
            self.buffer.resize(self.target.max(self.end), 0);
            self.buffer.shrink_to(self.window);
        }
        while let Some(free) = self.buffer.get_mut(self.end..).filter(|f| !f.is_empty()) {
            let count = match self.input.read(free) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(StreamError::Input(error.kind())),
            };
            if count == 0 {
                self.ended = true;
                break;
            }
            self.read += count as u64;
            if self.read > self.allowed {
                let allowed = usize::try_from(self.allowed).unwrap_or(usize::MAX);
                return Err(exceeded(allowed, "bytes", allowed));
            }
            if let Some(digest) = &mut self.digest {
                digest.update(free.get(..count).unwrap_or_default());
            }
            self.end += count;
        }
        Ok(())
    }
}

fn exceeded(at: usize, limit: &'static str, allowed: usize) -> StreamError {
    ParseError::new(at, Kind::LimitExceeded { limit, allowed }).into()
}
