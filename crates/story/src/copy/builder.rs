//! Builds copy out of what was given from outside: normalises it, checks it, keeps it in limits.

use crate::block::{BlockKind, Mark};
use crate::copy::{Copy, CopyBlock, CopyError, check, marks};
use crate::field::Field;
use crate::limits::{
    ARTICLE_TEXT_BYTES_MAX, BLOCK_TEXT_BYTES_MAX, BLOCKS_MAX, FIELD_TEXT_BYTES_MAX, LIST_ITEMS_MAX,
};
use crate::text::{IntakeReport, Text, normalise_mapped};

/// One block as it was given.
#[derive(Debug, Clone, Copy)]
pub struct GivenBlock<'a> {
    /// The block it is, if the editor's system knows.
    pub id: Option<&'a str>,
    /// What it is.
    pub kind: BlockKind,
    /// Its words.
    pub text: &'a str,
    /// Its mark-up, in byte offsets of `text` as it is here.
    pub marks: &'a [Mark],
}

impl<'a> GivenBlock<'a> {
    /// Returns a block of nothing but words.
    pub const fn plain(kind: BlockKind, text: &'a str) -> Self {
        Self { id: None, kind, text, marks: &[] }
    }
}

/// Makes a [`Copy`] from untrusted parts; what it returns is normalised and within
/// [`limits`](crate::limits).
#[derive(Debug, Default)]
pub struct CopyBuilder {
    copy: Copy,
    report: IntakeReport,
    blocks_given: usize,
    text_bytes: usize,
}

impl CopyBuilder {
    /// Returns a builder of copy that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `field` the text `given`; an empty one clears it. The whole of a list field's one
    /// item, where `field` is a list.
    ///
    /// # Errors
    /// [`CopyError`] names the field and what it may hold.
    pub fn field(&mut self, field: Field, given: &str) -> Result<(), CopyError> {
        if field.is_list() {
            return self.list(field, [given]);
        }
        let place = field.as_str();
        let (text, report) = check::checked(place, given, FIELD_TEXT_BYTES_MAX)?;
        check::form(field, place, &text)?;
        self.report += report;
        self.put(field, Text::uncut(text))
    }

    /// Gives the list `field` the items `given`; empty items are dropped, and no item clears it.
    ///
    /// # Errors
    /// [`CopyError`] names the item and what it may be.
    pub fn list<'a>(
        &mut self,
        field: Field,
        given: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), CopyError> {
        if !field.is_list() {
            return Err(CopyError::new(field.as_str(), "is one text, not a list: give it as a string"));
        }
        let mut items = Vec::new();
        for (index, given) in given.into_iter().enumerate() {
            let place = format!("{field}[{index}]");
            let (item, report) = check::checked(&place, given, FIELD_TEXT_BYTES_MAX)?;
            self.report += report;
            if item.is_empty() {
                continue;
            }
            check::form(field, &place, &item)?;
            items.push(item);
            if items.len() > LIST_ITEMS_MAX {
                return Err(CopyError::over(field.as_str(), items.len(), LIST_ITEMS_MAX, "items"));
            }
        }
        self.put(field, Text::from_values(items.iter().map(|item| Some(item.as_str()))))
    }

    /// States that the copy has a body, even if no block follows.
    pub fn body(&mut self) {
        self.copy.blocks.get_or_insert_default();
    }

    /// Adds a block to the body's end; one without words is dropped.
    ///
    /// # Errors
    /// [`CopyError`] names the block by its place among those given, from 0.
    pub fn block(&mut self, given: GivenBlock<'_>) -> Result<(), CopyError> {
        let place = format!("blocks[{}]", self.blocks_given);
        self.blocks_given += 1;
        let id = given.id.map(str::parse).transpose().map_err(|error: crate::IdentityError| {
            CopyError::new(format!("{place}.id"), error.to_string())
        })?;
        let (text, report, map) = normalise_mapped(given.text);
        check::keepable(&format!("{place}.text"), given.text, &text, BLOCK_TEXT_BYTES_MAX)?;
        let marks = marks::carried(&place, given.text, given.marks, &map)?;
        self.report += report;
        self.body();
        if text.is_empty() {
            return Ok(());
        }
        self.count(text.len())?;
        let blocks = self.copy.blocks.get_or_insert_default();
        if blocks.len() == BLOCKS_MAX {
            return Err(CopyError::over("blocks", BLOCKS_MAX + 1, BLOCKS_MAX, "blocks"));
        }
        blocks.push(CopyBlock { id, kind: given.kind, text: Text::uncut(text), marks });
        Ok(())
    }

    /// Returns the copy, and what intake took out of it.
    pub fn finish(mut self) -> (Copy, IntakeReport) {
        self.copy.given.sort_unstable();
        (self.copy, self.report)
    }

    fn put(&mut self, field: Field, text: Text) -> Result<(), CopyError> {
        if self.copy.given.contains(&field) {
            return Err(CopyError::new(field.as_str(), "is given twice: give it once"));
        }
        self.count(text.as_str().len())?;
        self.copy.given.push(field);
        self.copy.fields.set(field, text);
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), CopyError> {
        self.text_bytes += bytes;
        if self.text_bytes > ARTICLE_TEXT_BYTES_MAX {
            let what = "bytes of text";
            return Err(CopyError::over("copy", self.text_bytes, ARTICLE_TEXT_BYTES_MAX, what));
        }
        Ok(())
    }
}
