//! Builds the wasm blob that the node embeds.

fn main() {
    #[cfg(feature = "std")]
    {
        // The target folder may lie outside the checkout; without this hint the wasm build would
        // not find Cargo.lock there and resolve newer dependencies.
        std::env::set_var("WASM_BUILD_WORKSPACE_HINT", concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        // Read by the genesis presets; the builder itself watches only folders of crates.
        println!("cargo:rerun-if-changed=../contracts/genesis/regtest.json");
        // Every validator imports every block in this wasm: link-time optimisation of all crates as one, as for
        // the runtimes of Polkadot. The builder's profile of that name; the node around it has its own.
        std::env::set_var("WASM_BUILD_TYPE", "production");
        substrate_wasm_builder::WasmBuilder::build_using_defaults();
    }
}
