//! The tables of the documents, read as they stand: what tests expect is written there and nowhere
//! else.

use std::path::Path;

/// A table: its rows, by the names in its first column, and its columns, by the names in its first row.
#[derive(Debug, Clone)]
pub struct Table {
    /// Names of the columns, without the first.
    pub columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Reads the table in `docs/<document>` whose first row begins with `corner`.
    #[track_caller]
    pub fn read(document: &str, corner: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document);
        let text = std::fs::read_to_string(&path).expect("the document is there");
        let start = format!("| {corner} |");
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&start));
        let columns = cells(lines.next().unwrap_or_else(|| panic!("{document} has no table of {corner}s")));
        let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(|line| {
            let mut cells = cells(line);
            assert_eq!(cells.len(), columns.len(), "{document}: {line}");
            (cells.remove(0).trim_matches('`').to_owned(), cells)
        });
        let rows: Vec<_> = rows.collect();
        assert!(rows.len() > 1, "{document}: the table of {corner}s is empty");
        Self { columns: columns[1..].to_vec(), rows }
    }

    /// Returns the names of the rows, from above.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|(name, _)| name.as_str())
    }

    /// Returns what stands where `row` and `column` cross.
    #[track_caller]
    pub fn cell(&self, row: &str, column: &str) -> &str {
        let at = self.columns.iter().position(|name| name == column);
        let at = at.unwrap_or_else(|| panic!("no column is called {column}"));
        let row = self.rows.iter().find(|(name, _)| name == row);
        &row.expect("the table has such a row").1[at]
    }
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}
