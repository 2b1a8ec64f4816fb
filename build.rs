//! Makes the folder of the built front end, empty where Node has not run, and has cargo embed it again when it changes.

fn main() {
    let dist = "src/web/ui/dist";
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo::error=cannot make {dist}: {error}");
    }
    println!("cargo::rerun-if-changed={dist}");
}
