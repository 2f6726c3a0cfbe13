# Arranges what has been installed for the package as Debian's policy has it. cpack reads this between
# installing and packing.
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(share ${root}/usr/share)

# Configuration is the package's alone: a conffile is never overwritten.
file(COPY ${CPACK_LARDER_SOURCES}/systemd/rules.yaml DESTINATION ${root}/etc/larder
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
# It may hold secrets; systemd reads it as root.
file(COPY ${CPACK_LARDER_SOURCES}/systemd/larder.env DESTINATION ${root}/etc/larder
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE)
file(REMOVE ${share}/doc/larder/examples/rules.yaml ${share}/doc/larder/examples/larder.env)

# Debian's zsh looks there.
file(MAKE_DIRECTORY ${share}/zsh/vendor-completions)
file(RENAME ${share}/zsh/site-functions/_larder ${share}/zsh/vendor-completions/_larder)
file(REMOVE_RECURSE ${share}/zsh/site-functions)

file(COPY ${CPACK_LARDER_SOURCES}/debian/copyright DESTINATION ${share}/doc/larder)
file(COPY ${CPACK_LARDER_SOURCES}/debian/lintian-overrides DESTINATION ${share}/lintian/overrides)
file(RENAME ${share}/lintian/overrides/lintian-overrides ${share}/lintian/overrides/larder)
file(WRITE ${share}/doc/larder/changelog "larder (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * As built from the sources by cpack.

 -- ${CPACK_PACKAGE_CONTACT}  Thu, 01 Jan 1970 00:00:00 +0000
")
file(GLOB pages ${share}/man/man1/*.1)
execute_process(COMMAND gzip -9nf ${pages} ${share}/doc/larder/changelog COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod -R u+rwX,go+rX,go-w ${root}/usr COMMAND_ERROR_IS_FATAL ANY)
