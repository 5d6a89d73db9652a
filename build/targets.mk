# What a user runs. Each sees to its own packages first, then builds: so the
# building is another make, which can then find what it needs.

SUBMAKE = +@$(MAKE) -s --no-print-directory
PORT   ?= 53
export OBJ

# sudo make run; PORT=5353 make run
run:
	@build/setup run
	$(SUBMAKE) programs
	@build/own '$(OBJ)'
	@PORT='$(PORT)' build/run

# sudo make test; make test TESTS="dns worker/udp_test"
test:
	@build/setup test
	$(SUBMAKE) tests
	@build/own '$(OBJ)'
	@regress/run $(TESTS)

# The container image for real, which takes minutes; as root.
test-image:
	@build/setup test image
	$(SUBMAKE) tests
	@TEST_IMAGE=yes regress/run image

# An upstream of its own on loopback: no network is needed.
demo:
	@build/setup demo
	$(SUBMAKE) programs
	@build/own '$(OBJ)'
	@regress/demo

# Style and static checks.
lint:
	@build/setup lint
	$(SUBMAKE) $(OBJ)/parent/parse.c
	@regress/lint

# A container image, with whichever of docker, podman and buildah is here.
IMAGE ?= dotproxy
image:
	@IMAGE='$(IMAGE)' build/image

.PHONY: run test test-image demo lint image
