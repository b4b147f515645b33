/**
 * Contract suites that a third party's source, vault or lease can be run against, with any test runner that has describe and it.
 * They assert what the ports promise, with node:assert, and know no implementation.
 */
export { leaseContract, type LeaseHarness } from "./lease-contract.ts";
export { sourceContract, type ContractRunner, type SourceSubject } from "./source-contract.ts";
export { memoryReading, readAll, storeAll, takeBackupOf, vaultContract, type Files, type VaultHarness } from "./vault-contract.ts";
