//! SQLite's file system with a [`Disk`] in front of it: the only unsafe code of the project.
//!
//! It is registered as SQLite's default, so that whoever opens a database anywhere comes through here;
//! files that are under no [`Disk`] go to the real file system and are never seen again. A file that is
//! under one is a [`File`] with the real file behind it in the memory that SQLite gives for both. What is decided, is
//! decided in safe code; here is only how SQLite asks. Locks and shared memory are the real ones. Memory
//! maps are not offered, so that every read comes through.
#![expect(unsafe_code, reason = "SQLite takes a file system as a table of C functions")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError, Weak};

use rusqlite::ffi;

use crate::disk::{Disk, Verdict};

static DISKS: Mutex<Vec<Weak<Disk>>> = Mutex::new(Vec::new());
static REAL: OnceLock<Real> = OnceLock::new();
static REGISTER: Once = Once::new();

/// The file system that SQLite would use.
struct Real(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite's own file systems are static and made to be called from any thread.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

/// What is in front of the real file.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

struct Handle {
    disk: Arc<Disk>,
    name: String,
    life: u64,
    /// Whether its next sync syncs the folder too: SQLite does so at the first sync of a journal.
    syncs_folder: std::sync::atomic::AtomicBool,
}

/// Puts `disk` under its folder.
pub(crate) fn install(disk: &Arc<Disk>) {
    REGISTER.call_once(register);
    let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.retain(|disk| disk.strong_count() > 0);
    disks.push(Arc::downgrade(disk));
}

fn register() {
    // SAFETY: without a name, SQLite initialises itself and returns its default, which lives for ever. Ours is
    // a copy of its table, leaked, with other functions where files are opened and deleted; the
    // others ignore which table they were called by.
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null(), "SQLite has a file system");
        assert!(REAL.set(Real(real)).is_ok(), "it is registered once");
        let ours = Box::leak(Box::new(std::ptr::read(real)));
        ours.zName = c"writethru-faults".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.szOsFile += c_int::try_from(size_of::<File>()).expect("a few bytes");
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK, "SQLite takes it");
    }
}

fn real() -> *mut ffi::sqlite3_vfs {
    REAL.get().expect("set before ours is registered").0
}

/// Returns the disk that `path` is under and its name there.
fn disk_of(path: *const c_char) -> Option<(Arc<Disk>, String)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: SQLite ends every path with a zero.
    let path = unsafe { CStr::from_ptr(path) };
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let (folder, name) = (path.parent()?, path.file_name()?.to_str()?);
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = disks.iter().filter_map(Weak::upgrade).find(|disk| disk.folder() == folder)?;
    Some((disk, name.to_owned()))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    told: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes, room for ours and for the real one behind it; the real
    // table's functions are there, and get what we got.
    unsafe {
        let open_real = (*real()).xOpen.expect("it opens files");
        let Some((disk, name)) = disk_of(path) else { return open_real(real(), path, file, flags, told) };
        (*file).pMethods = std::ptr::null();
        let Some(life) = disk.open(&name) else { return ffi::SQLITE_CANTOPEN };
        let opened = open_real(real(), path, behind(file), flags, told);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        let journal = flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0;
        let handle = Handle { disk, name, life, syncs_folder: journal.into() };
        let ours = file.cast::<File>();
        (*ours).handle = Box::into_raw(Box::new(handle));
        (*ours).base.pMethods = &raw const METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    if disk_of(path).is_some_and(|(disk, name)| disk.delete(&name) != Verdict::Go) {
        return ffi::SQLITE_IOERR_DELETE;
    }
    // SAFETY: the real function gets what we got.
    unsafe { (*real()).xDelete.expect("it deletes files")(real(), path, sync) }
}

/// Returns the real file behind ours.
///
/// # Safety
/// `file` is the memory that SQLite gave [`open`].
unsafe fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: the memory is aligned for pointers, and `File` is two of them.
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

/// Returns what we know of `file`.
///
/// # Safety
/// `file` was opened by [`open`] and not closed.
unsafe fn handle<'file>(file: *mut ffi::sqlite3_file) -> &'file Handle {
    // SAFETY: `open` put it there, and `close` alone takes it away; SQLite calls neither meanwhile.
    unsafe { &*(*file.cast::<File>()).handle }
}

/// Calls a method of the real file.
macro_rules! real_file {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {{
        // SAFETY: the real file was opened, so its table is there; it gets what we got.
        unsafe {
            let behind = behind($file);
            (*(*behind).pMethods).$method.expect("the real file has it")(behind, $($argument),*)
        }
    }};
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` made it with `Box::into_raw`, and SQLite closes a file once.
    drop(unsafe { Box::from_raw((*file.cast::<File>()).handle) });
    real_file!(file.xClose())
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, len: c_int, offset: i64) -> c_int {
    // SAFETY: the file is open.
    let Handle { disk, life, .. } = unsafe { handle(file) };
    match disk.read(*life) {
        Verdict::Go => real_file!(file.xRead(to, len, offset)),
        _ => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    len: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open, and SQLite gives `len` bytes.
    let (Handle { disk, name, life, .. }, bytes) = unsafe {
        let len = usize::try_from(len).expect("a length");
        (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), len))
    };
    match disk.write((name, *life), usize::try_from(offset).expect("an offset"), bytes) {
        Verdict::Go => real_file!(file.xWrite(from, len, offset)),
        Verdict::Full => ffi::SQLITE_FULL,
        Verdict::Fail => ffi::SQLITE_IOERR_WRITE,
        Verdict::Short(written) => {
            let written = c_int::try_from(written).expect("less than all");
            let _ = real_file!(file.xWrite(from, written, offset));
            ffi::SQLITE_IOERR_WRITE
        }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: the file is open.
    let Handle { disk, name, life, .. } = unsafe { handle(file) };
    match disk.cut((name, *life), usize::try_from(len).expect("a length")) {
        Verdict::Go => real_file!(file.xTruncate(len)),
        _ => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

/// The real file is not synced: what is on the disk is what [`Disk`] says, and its power is never cut.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    let Handle { disk, name, life, syncs_folder } = unsafe { handle(file) };
    let names = syncs_folder.load(std::sync::atomic::Ordering::Relaxed);
    if disk.sync((name, *life), names) != Verdict::Go {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    syncs_folder.store(false, std::sync::atomic::Ordering::Relaxed);
    ffi::SQLITE_OK
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, told: *mut i64) -> c_int {
    real_file!(file.xFileSize(told))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    real_file!(file.xLock(level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    real_file!(file.xUnlock(level))
}

unsafe extern "C" fn reserved(file: *mut ffi::sqlite3_file, told: *mut c_int) -> c_int {
    real_file!(file.xCheckReservedLock(told))
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    real_file!(file.xFileControl(operation, argument))
}

unsafe extern "C" fn sector(file: *mut ffi::sqlite3_file) -> c_int {
    real_file!(file.xSectorSize())
}

unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    real_file!(file.xDeviceCharacteristics())
}

unsafe extern "C" fn map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    bytes: c_int,
    extend: c_int,
    told: *mut *mut c_void,
) -> c_int {
    real_file!(file.xShmMap(page, bytes, extend, told))
}

unsafe extern "C" fn map_lock(file: *mut ffi::sqlite3_file, at: c_int, locks: c_int, flags: c_int) -> c_int {
    real_file!(file.xShmLock(at, locks, flags))
}

unsafe extern "C" fn map_barrier(file: *mut ffi::sqlite3_file) {
    real_file!(file.xShmBarrier());
}

unsafe extern "C" fn unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    real_file!(file.xShmUnmap(delete))
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map),
    xShmLock: Some(map_lock),
    xShmBarrier: Some(map_barrier),
    xShmUnmap: Some(unmap),
    xFetch: None,
    xUnfetch: None,
};
