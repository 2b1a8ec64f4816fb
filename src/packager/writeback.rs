//! Brings a file to the disk while more of it is written, so that making it durable at the end waits for little.

use std::fs::File;
use std::io;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// So much is written before the disk is told.
const STEP_BYTES: u64 = 16 << 20;

/// A file's way to the disk, beside whoever writes it.
pub struct Writeback {
    not_told: u64,
    tell: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writeback {
    pub fn of(file: &File) -> io::Result<Writeback> {
        let (tell, told) = mpsc::sync_channel(1);
        let file = file.try_clone()?;
        let thread = thread::Builder::new()
            .name("writeback".into())
            .spawn(move || told.iter().try_for_each(|()| file.sync_data()))?;
        Ok(Writeback { not_told: 0, tell, thread })
    }

    /// `bytes` more are in the file.
    pub fn wrote(&mut self, bytes: u64) {
        self.not_told += bytes;
        if self.not_told >= STEP_BYTES {
            self.not_told = 0;
            // Where it is told already, or has failed, there is nothing to say.
            let _ = self.tell.try_send(());
        }
    }

    /// What the disk said, which it says once: nobody who asks later is told.
    pub fn finish(self) -> io::Result<()> {
        drop(self.tell);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs has panicked")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_says_is_told_at_the_end() {
        let good = tempfile::tempfile().unwrap();
        let mut writeback = Writeback::of(&good).unwrap();
        for _ in 0..40 {
            writeback.wrote(STEP_BYTES / 2);
        }
        writeback.finish().unwrap();
        // It cannot be synced.
        let bad = File::options().write(true).open("/dev/null").unwrap();
        let mut writeback = Writeback::of(&bad).unwrap();
        writeback.wrote(STEP_BYTES - 1);
        writeback.wrote(1);
        assert_eq!(writeback.finish().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        Writeback::of(&bad).unwrap().finish().unwrap();
    }
}
