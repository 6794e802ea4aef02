/**
 * TypeBox, by one door: as it is published, its parts are 683 modules, a third of what the service would load to start. The
 * build puts one file in the place of this one (`scripts/prepare.mjs`); types, and what runs from `src`, come from the package.
 */
export { default as Type, type Static, type TObject, type TSchema } from 'typebox'
export { Compile } from 'typebox/compile'
export { Value } from 'typebox/value'
