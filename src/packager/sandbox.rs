//! The worker's cage, entered before libav sees a byte: resource limits, no new privileges, Landlock (no file but the
//! output folder), seccomp (no sockets, no new programs, no reaching into other processes). The film itself comes in as
//! a descriptor that is open already.
//!
//! **Invariant**: seccomp holds or nothing runs. Landlock depends on the kernel; where it is missing the job says so in
//! a warning, and the self-test says which escapes work.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::packager::refusal::Refusal;

/// What of the cage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    pub landlock: LandlockState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandlockState {
    Full,
    Partial,
    Missing,
}

impl SandboxReport {
    pub fn warning(&self) -> Option<&'static str> {
        match self.landlock {
            LandlockState::Full => None,
            LandlockState::Partial => {
                Some("This kernel's Landlock is older than we ask for: the worker is held by less.")
            }
            LandlockState::Missing => {
                Some("This kernel has no Landlock: the worker could read files of the server's user.")
            }
        }
    }
}

/// System calls that a decoder has no use for and an intruder has.
const DENIED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    // It reaches the network without any of the above.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    libc::SYS_chmod,
    libc::SYS_fchmodat,
    libc::SYS_chown,
    libc::SYS_fchownat,
    libc::SYS_mknod,
    libc::SYS_mknodat,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_link,
    libc::SYS_linkat,
];

/// Enters the cage for good. The only files from here on are those below `out_dir` and those open already.
pub fn enter(out_dir: &Path) -> Result<SandboxReport> {
    let cpu_s = limits::WORKER_CPU_BASE.as_secs() + limits::WORKER_CPU_PER_FILM_S * limits::FILM_DURATION_MAX.as_secs();
    limit(libc::RLIMIT_AS, limits::WORKER_MEMORY_BYTES_MAX)?;
    limit(libc::RLIMIT_CPU, cpu_s)?;
    limit(libc::RLIMIT_FSIZE, limits::TRACK_BYTES_MAX)?;
    limit(libc::RLIMIT_NOFILE, limits::WORKER_FILES_MAX)?;
    limit(libc::RLIMIT_CORE, 0)?;
    ignore_file_size_signal();
    die_with_parent()?;
    let landlock = restrict_files(out_dir).map_err(|error| broken("landlock", error))?;
    // `apply_filter_all_threads` sets no-new-privileges first.
    for program in programs().map_err(|error| broken("seccomp", error))? {
        seccompiler::apply_filter_all_threads(&program).map_err(|error| broken("seccomp", error))?;
    }
    Ok(SandboxReport { landlock })
}

/// Once the film's length is known: at most so many CPU seconds for it.
pub fn limit_cpu_to(film_s: f64) -> Result<()> {
    let seconds = limits::WORKER_CPU_BASE.as_secs() + (limits::WORKER_CPU_PER_FILM_S as f64 * film_s.max(0.0)) as u64;
    limit(libc::RLIMIT_CPU, seconds)
}

/// Tries what the cage forbids; the names of what worked. Run inside the cage.
pub fn escapes(out_dir: &Path) -> Vec<String> {
    let outside = out_dir.parent().unwrap_or(Path::new("/tmp")).join("escaped");
    let tries: [(&str, bool); 9] = [
        ("open a TCP socket", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).is_ok()),
        ("open a UDP socket", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_ok()),
        ("open a Unix socket", std::os::unix::net::UnixStream::pair().is_ok()),
        ("leave a process behind", forks()),
        ("run a program", Command::new("/bin/true").status().is_ok()),
        ("read /etc/passwd", fs::read("/etc/passwd").is_ok()),
        ("list /", fs::read_dir("/").is_ok_and(|mut entries| entries.next().is_some())),
        ("write beside the output folder", fs::write(&outside, b"x").is_ok()),
        (
            "read its parent's environment",
            fs::read(format!("/proc/{}/environ", std::os::unix::process::parent_id())).is_ok(),
        ),
    ];
    let _ = fs::remove_file(&outside);
    let mut worked: Vec<String> =
        tries.iter().filter(|(_, worked)| *worked).map(|(name, _)| (*name).to_owned()).collect();
    if fs::write(out_dir.join("probe"), b"x").and_then(|()| fs::remove_file(out_dir.join("probe"))).is_err() {
        worked.push("(not an escape: the output folder cannot be written)".to_owned());
    }
    worked
}

fn restrict_files(out_dir: &Path) -> std::result::Result<LandlockState, Box<dyn std::error::Error + Send + Sync>> {
    let abi = ABI::V5;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(out_dir)?, AccessFs::from_all(abi)))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => LandlockState::Full,
        RulesetStatus::PartiallyEnforced => LandlockState::Partial,
        RulesetStatus::NotEnforced => LandlockState::Missing,
    })
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Threads may be made and processes may not: a process that outlives the worker could write into a folder that has been
/// read back. What `clone3` is asked for lies in memory, where a filter cannot look, so it does not exist here, and libc
/// makes its threads with `clone`.
fn programs() -> std::result::Result<[BpfProgram; 2], Box<dyn std::error::Error + Send + Sync>> {
    let mut denied: Rules = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    denied.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
    let thread = libc::CLONE_THREAD as u64;
    let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
    denied.insert(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?]);
    let missing: Rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let program = |rules, errno: i32| -> std::result::Result<BpfProgram, Box<dyn std::error::Error + Send + Sync>> {
        let arch = std::env::consts::ARCH.try_into()?;
        Ok(SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)?.try_into()?)
    };
    Ok([program(denied, libc::EPERM)?, program(missing, libc::ENOSYS)?])
}

/// Whether another process could be made.
#[allow(unsafe_code)]
fn forks() -> bool {
    // SAFETY: the child, if there is one, does nothing but end.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            child => child > 0,
        }
    }
}

#[allow(unsafe_code)]
fn limit(resource: libc::__rlimit_resource_t, value: u64) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live `rlimit` of ours and keep nothing of it.
    let done = unsafe {
        if libc::getrlimit(resource, &raw mut limit) == 0 {
            // A limit that is lower already stays.
            limit.rlim_cur = limit.rlim_cur.min(value);
            limit.rlim_max = limit.rlim_max.min(value);
            libc::setrlimit(resource, &raw const limit)
        } else {
            -1
        }
    };
    if done == 0 { Ok(()) } else { Err(broken("setrlimit", io::Error::last_os_error())) }
}

/// A file past its limit is an error of the write (EFBIG), not the end of the process.
#[allow(unsafe_code)]
fn ignore_file_size_signal() {
    // SAFETY: SIG_IGN installs no handler; the signal is used for nothing else in this process.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// The kernel sends the signal when the *thread* that started the worker ends: runtime threads live as long as their
/// runtime. The watch on stdin covers what this does not.
#[allow(unsafe_code)]
fn die_with_parent() -> Result<()> {
    // SAFETY: plain integer arguments; the call touches no memory of ours.
    let done = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
    if done == 0 { Ok(()) } else { Err(broken("prctl", io::Error::last_os_error())) }
}

fn broken(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Refusal::SandboxBroken
        .error("The worker's sandbox cannot be set up here, and no film is opened without it.")
        .with_internal(what.to_owned())
        .with_source(error)
}
