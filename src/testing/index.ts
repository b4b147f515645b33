/**
 * Contract suites that a third party's source or vault can be run against, with any test runner that has describe and it.
 * They assert what the ports promise, with node:assert, and know no implementation.
 */
export { sourceContract, type ContractRunner, type SourceSubject } from "./source-contract.ts";
export { memoryReading, readAll, storeAll, takeBackupOf, vaultContract, type Files, type VaultHarness } from "./vault-contract.ts";
